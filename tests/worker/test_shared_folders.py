"""Folders that attempts share: found again by name, out of others' sight, and removed when nobody needs them."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.worker.attempts import Make
from tests.worker.executors import job
from worker.storage import shared as module
from worker.storage.keeper import FolderKeeper
from worker.storage.local import LocalStorage
from worker.storage.port import StorageError
from worker.storage.shared import FOLDER, LocalSharedFolders

WAIT_S = 30.0
DAY_S = 86_400.0


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


@pytest.fixture
def folders(storage: LocalStorage) -> LocalSharedFolders:
    return storage.shared


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "storage" / FOLDER


def taken(folders: LocalSharedFolders, name: str = "a") -> Path:
    found = folders.take(name, None)
    assert found is not None
    return found


def used(folders: LocalSharedFolders, name: str = "a") -> Path:
    found = taken(folders, name)
    folders.give_back(name, found)
    return found


def aged(base: Path, name: str, days: float) -> None:
    at = (base / name).stat().st_mtime - days * DAY_S
    os.utime(base / name, (at, at))


def test_a_folder_is_found_again_with_what_is_in_it(folders: LocalSharedFolders, tmp_path: Path) -> None:
    folder = used(folders)
    (folder / "file").write_text("x")
    other = LocalStorage(tmp_path / "storage").shared

    assert used(other) == folder
    assert used(other, "b") != folder
    assert folder == Path(os.path.realpath(folder))


def test_only_the_worker_may_enter_it(folders: LocalSharedFolders, base: Path) -> None:
    folder = used(folders)

    assert [each.stat().st_mode & 0o777 for each in (base, folder.parent, folder)] == [0o700] * 3


def test_one_that_is_not_there_is_made_only_where_it_may_be(folders: LocalSharedFolders, base: Path) -> None:
    assert folders.take("a", None, make=False) is None
    assert not base.exists()
    folder = used(folders)
    assert folders.take("a", None, make=False) == folder


def test_however_many_make_it_at_once_there_is_one(folders: LocalSharedFolders, base: Path) -> None:
    gate = threading.Barrier(8)

    def take(_number: int) -> Path:
        gate.wait(WAIT_S)
        return used(folders)

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(take, range(8)))) == 1
    assert os.listdir(base) == ["a"]


@pytest.mark.parametrize("name", ["", "..", "a/b", ".new-x", "/", "a\0", "../a"])
def test_names_that_lead_elsewhere_are_refused(folders: LocalSharedFolders, name: str) -> None:
    with pytest.raises(StorageError):
        folders.take(name, None)
    with pytest.raises(StorageError):
        folders.remove(name)


def test_a_link_in_its_place_is_not_entered(folders: LocalSharedFolders, base: Path, tmp_path: Path) -> None:
    folder = used(folders)
    folder.rmdir()
    folder.symlink_to(tmp_path)

    with pytest.raises(StorageError):
        folders.take("a", None)


def test_a_folder_that_a_script_has_removed_is_made_anew(folders: LocalSharedFolders) -> None:
    folder = used(folders)
    folder.rmdir()

    assert used(folders).is_dir()


def test_a_removed_folder_is_gone_whatever_is_in_it(folders: LocalSharedFolders, base: Path) -> None:
    folder = used(folders)
    (folder / "d").mkdir()
    (folder / "d" / "f").touch()
    (folder / "d").chmod(0o500)
    folders.remove("a")
    folders.remove("a")

    assert os.listdir(base) == []
    assert os.listdir(used(folders)) == []


def test_removing_follows_no_link(folders: LocalSharedFolders, tmp_path: Path) -> None:
    (tmp_path / "kept").touch()
    (used(folders) / "link").symlink_to(tmp_path)
    folders.remove("a")

    assert (tmp_path / "kept").exists()


def test_a_sweep_removes_what_nobody_has_had_for_long(folders: LocalSharedFolders, base: Path) -> None:
    for name in ("old", "young", "taken"):
        used(folders, name)
    taken(folders, "taken")
    for name, days in (("old", 8), ("young", 6), ("taken", 9)):
        aged(base, name, days)

    assert folders.sweep(7 * DAY_S) == 1
    assert sorted(os.listdir(base)) == ["taken", "young"]
    assert LocalSharedFolders(base.parent).sweep(7 * DAY_S) == 0, "others see that it is in use"


def test_a_sweep_removes_what_a_killed_worker_was_at(folders: LocalSharedFolders, base: Path) -> None:
    used(folders)
    for name, days in ((".new-1", 1), (".gone-1", 1), (".new-2", 0)):
        (base / name).mkdir()
        aged(base, name, days)

    assert folders.sweep(7 * DAY_S) == 2
    assert sorted(os.listdir(base)) == [".new-2", "a"]


def test_a_sweep_ends_and_the_next_one_goes_on(
    folders: LocalSharedFolders, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SWEPT_MAX", 2)
    for number in range(3):
        used(folders, f"f{number}")
        aged(base, f"f{number}", 8 + number)

    assert folders.sweep(7 * DAY_S) == 2
    assert os.listdir(base) == ["f0"], "the oldest go first"
    assert folders.sweep(7 * DAY_S) == 1


def test_without_any_there_is_nothing_to_sweep(folders: LocalSharedFolders) -> None:
    assert folders.sweep(0) == 0


def test_the_keeper_removes_what_is_discarded_and_what_is_old(folders: LocalSharedFolders, base: Path) -> None:
    for name in ("discarded", "old", "other"):
        used(folders, name)
    aged(base, "old", 8)
    keeper = FolderKeeper(folders)
    keeper.start()
    keeper.discard("discarded")
    keeper.discard("never there")
    keeper.discard("../not a name")
    keeper.close()

    assert os.listdir(base) == ["other"]


ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
NOBODY = (65534, 65534)


@ROOT
def test_scripts_of_another_user_enter_their_folder_and_see_no_other(tmp_path: Path, make_attempts: Make) -> None:
    reachable(tmp_path)
    storage = LocalStorage(tmp_path / "storage")
    folder, other = storage.shared.take("a", NOBODY), storage.shared.take("b", NOBODY)
    assert folder is not None and other is not None
    attempts = make_attempts(user=NOBODY)
    shell = "io.kestra.plugin.scripts.shell.Commands"
    commands = [
        "echo mine > {{ workingDir }}/x",
        "cat in; echo",
        f"ls {folder.parent.parent} || ls {folder.parent} || ls {other.parent} || ls {tmp_path}/storage || echo blind",
    ]
    given = {"commands": commands, "inputFiles": {"in": "given", "d/e": "x"}, "outputFiles": ["x"]}
    outputs = attempts.outputs(job(shell, properties=given, folder="a"))

    assert list(outputs["outputFiles"]) == ["x"]
    said = [text for level, text in attempts.lines if level == "INFO"]
    assert said == ["given", "blind"]
    assert {each.stat().st_uid for each in (folder, folder / "x", folder / "in", folder / "d", folder / "d/e")} == {
        65534
    }


@ROOT
def test_a_folder_that_scripts_of_another_user_cannot_reach_is_said_with_the_remedy(tmp_path: Path) -> None:
    reachable(tmp_path)
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    storage = LocalStorage(closed / "storage")

    with pytest.raises(StorageError, match=r"user 65534 here, who can't enter .*/closed, .*chmod o\+x"):
        storage.shared.take("a", NOBODY)


def reachable(path: Path) -> None:
    """Let anybody go through the test's own folders."""
    for each in (path, *path.parents):
        if each.stat().st_uid == os.geteuid() and not each.stat().st_mode & 0o001:
            each.chmod(each.stat().st_mode | 0o011)
