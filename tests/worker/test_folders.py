"""Folders of attempts are made ahead and removed behind; only those that are as new are used again."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worker.runners import folders as module
from worker.runners.folders import BEHIND_MAX, SPARES, AttemptFolder, Folders
from worker.runners.settings import ProcessSettings


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "attempts"


@pytest.fixture
def folders(base: Path) -> Iterator[Folders]:
    made = Folders(ProcessSettings(folder=base))
    yield made
    made.close()


class Gate(AttemptFolder):
    """A folder whose removal waits until the test lets it."""

    opened: threading.Event
    entered: threading.Event

    def remove(self) -> None:
        self.entered.set()
        assert self.opened.wait(30)
        super().remove()


def gate(base: Path) -> Gate:
    made = Gate(ProcessSettings(folder=base))
    made.opened, made.entered = threading.Event(), threading.Event()
    return made


def test_each_attempt_gets_a_folder_of_its_own_with_nothing_in_it(folders: Folders, base: Path) -> None:
    seen = set()
    for _ in range(10):
        folder = folders.take()
        assert folder.root not in seen
        seen.add(folder.root)
        assert folder.is_as_new()
        assert [os.listdir(each) for each in (folder.work, folder.temporary, folder.home)] == [[], [], []]
        assert [each.stat().st_mode & 0o777 for each in (folder.root, folder.work, folder.home)] == [0o700] * 3
        (folder.work / "file").write_text("secret")
        folders.give_back(folder)
    folders.close()

    assert os.listdir(base) == []


def test_whoever_gives_a_folder_back_does_not_wait_for_its_removal(folders: Folders, base: Path) -> None:
    slow = gate(base)
    folders.give_back(slow)
    assert slow.entered.wait(30)
    assert slow.root.exists()

    slow.opened.set()
    folders.close()
    assert os.listdir(base) == []


def test_folders_do_not_pile_up_behind_a_slow_removal(folders: Folders, base: Path) -> None:
    slow = gate(base)
    folders.give_back(slow)
    assert slow.entered.wait(30)
    for _ in range(BEHIND_MAX + 5):
        folders.give_back(AttemptFolder(ProcessSettings(folder=base)))

    assert len(os.listdir(base)) == 1 + BEHIND_MAX
    slow.opened.set()


def test_a_few_are_made_ahead_and_removed_again_when_nobody_comes(
    folders: Folders, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    removed = threading.Event()
    before = Folders._remove_spares

    def remove_spares(self: Folders) -> None:
        before(self)
        removed.set()

    monkeypatch.setattr(Folders, "_remove_spares", remove_spares)
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.05)
    for _ in range(SPARES + 2):
        folders.give_back(AttemptFolder(ProcessSettings(folder=base)))
    assert removed.wait(30)

    assert os.listdir(base) == []


def test_folders_that_are_as_new_are_the_next_ones(folders: Folders, base: Path) -> None:
    folder = folders.take()
    folders.give_back(folder)
    written = AttemptFolder(ProcessSettings(folder=base))
    (written.home / "file").touch()
    behind = gate(base)
    (behind.work / "file").touch()
    for each in (written, behind):
        folders.give_back(each)
    assert behind.entered.wait(30)

    assert folders.take() is folder
    assert not written.root.exists()
    behind.opened.set()


def test_the_folders_beside_a_shared_one_are_the_next_ones_and_it_stays(
    folders: Folders, base: Path, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "file").touch()
    folder = folders.take()
    folder.work = shared
    folders.give_back(folder)
    behind = gate(base)
    (behind.work / "file").touch()
    folders.give_back(behind)
    assert behind.entered.wait(30)

    assert folders.take() is folder
    assert folder.work == folder.root / "work"
    assert (shared / "file").exists()
    behind.opened.set()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder.work / ".hidden").touch(),
        lambda folder: (folder.root / "beside").mkdir(),
        lambda folder: folder.work.chmod(0o755),
        lambda folder: folder.root.chmod(0o711),
        lambda folder: (folder.home.rename(folder.root / "moved"), folder.home.symlink_to("/")),
        lambda folder: (folder.home.rename(folder.root / "moved"), folder.temporary.rename(folder.home)),
        lambda folder: setattr(folder, "occupied", True),
        lambda folder: os.setxattr(folder.work, "user.note", b"mine"),
        lambda folder: folder.remove(),
    ],
)
def test_whatever_a_script_changes_of_its_folders_they_are_not_as_new(
    base: Path, change: Callable[[AttemptFolder], object]
) -> None:
    folder = AttemptFolder(ProcessSettings(folder=base))
    assert folder.is_as_new()
    change(folder)

    assert not folder.is_as_new()
    folder.remove()


def test_after_the_end_a_folder_is_removed_at_once(folders: Folders, base: Path) -> None:
    folder = folders.take()
    folders.close()
    folders.give_back(folder)

    assert os.listdir(base) == []
