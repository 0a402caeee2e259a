"""Stored files: where names may lead, and whose files an attempt sees."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.executors import EXECUTION, job
from worker.storage.access import AttemptFiles
from worker.storage.local import LocalStorage
from worker.storage.paths import checked, inside, path_of, uri_of
from worker.storage.port import StorageError

OUTSIDE = [
    "",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a//b",
    "a/./b",
    "a/",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "e\u0301.txt",
    "x" * 300,
    "a/" * 1500 + "b",
    "\udcff",
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_path_that_could_lead_elsewhere_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="relative to its folder"):
        inside(tmp_path, path)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["..", ".", "", "a", "b c", "\u00e9"])).map("/".join))
def test_whatever_the_path_it_is_inside_or_refused(path: str) -> None:
    base = Path("/base/folder")
    try:
        found = inside(base, path)
    except StorageError:
        return
    assert os.path.normpath(found).startswith("/base/folder/")


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20), min_size=1, max_size=4))
def test_a_path_comes_back_from_its_uri(parts: list[str]) -> None:
    path = "/".join(parts)
    try:
        checked(path)
    except StorageError:
        return
    assert path_of(uri_of(path)) == path


def test_links_that_lead_out_are_refused_and_others_are_not(tmp_path: Path) -> None:
    base = (tmp_path / "base").resolve()
    (base / "real").mkdir(parents=True)
    (base / "out").symlink_to(tmp_path)
    (base / "in").symlink_to(base / "real")

    assert inside(base, "in/file") == base / "in" / "file"
    with pytest.raises(StorageError, match="leads out"):
        inside(base, "out/file")


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "kestra://host/x", "kestra:///a/%2e%2e/b", "kestra:///%ff", "x"])
def test_what_is_no_uri_of_a_stored_file_is_refused(uri: str) -> None:
    with pytest.raises(StorageError):
        path_of(uri)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


def test_a_file_is_stored_measured_and_read(storage: LocalStorage, tmp_path: Path) -> None:
    uri = storage.put("a/b c/d.txt", io.BytesIO(b"hello"))

    assert uri == "kestra:///a/b%20c/d.txt"
    assert (storage.exists(uri), storage.size(uri)) == (True, 5)
    with storage.open(uri) as file:
        assert file.read() == b"hello"
    storage.fetch(uri, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"hello"


def test_a_file_that_is_missing_says_so(storage: LocalStorage) -> None:
    assert not storage.exists("kestra:///missing")
    for ask in (storage.open, storage.size):
        with pytest.raises(StorageError, match="There is no file"):
            ask("kestra:///missing")


def test_a_file_is_removed_once(storage: LocalStorage) -> None:
    uri = storage.put("a/b.txt", io.BytesIO(b"hello"))
    storage.remove(uri)
    assert not storage.exists(uri)
    with pytest.raises(StorageError, match="There is no file"):
        storage.remove(uri)


def test_a_store_that_fails_leaves_the_old_file_and_no_remains(storage: LocalStorage, tmp_path: Path) -> None:
    uri = storage.put("a/b", io.BytesIO(b"old"))

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(5, "broken")

    with pytest.raises(StorageError, match="can't be stored: broken"):
        storage.put("a/b", Broken())
    with storage.open(uri) as file:
        assert file.read() == b"old"
    assert os.listdir(tmp_path / "storage" / "a") == ["b"]


def test_files_of_two_attempts_with_one_name_are_two_files(storage: LocalStorage) -> None:
    files = AttemptFiles(storage, job())
    first, second = files.put("out.csv", io.BytesIO(b"1")), files.put("out.csv", io.BytesIO(b"2"))

    assert first != second
    assert first.startswith(f"kestra:///company/team/hello/executions/{EXECUTION}/tasks/task/run-1/")
    assert first.endswith("-out.csv")
    assert files.read_text(first, 10) == "1"


@pytest.mark.parametrize("name", ["../../x", "..", "a\\b", "new\nline", "e\u0301", "\udcff", "x" * 400])
def test_a_file_whose_name_a_script_chose_is_stored_under_a_tame_one(storage: LocalStorage, name: str) -> None:
    files = AttemptFiles(storage, job())

    assert files.read_text(files.put(name, io.BytesIO(b"x")), 10) == "x"


def test_files_of_other_executions_are_refused(storage: LocalStorage) -> None:
    uri = AttemptFiles(storage, job(execution_id="other")).put("x", io.BytesIO(b"secret"))
    mine = AttemptFiles(storage, job())

    for ask in (mine.size, mine.exists, lambda each: mine.read_text(each, 10)):
        with pytest.raises(StorageError, match="belongs to another execution"):
            ask(uri)


def test_files_of_the_replayed_and_of_the_starting_execution_are_allowed(storage: LocalStorage) -> None:
    original = AttemptFiles(storage, job(execution_id="original")).put("x", io.BytesIO(b"1"))
    parent = AttemptFiles(storage, job(execution_id="parent", flow_id="other", namespace="a.b"))
    given = parent.put("x", io.BytesIO(b"2"))
    trigger = {"executionId": "parent", "namespace": "a.b", "flowId": "other"}
    namespace, flow_id = job().namespace, job().flow_id
    mine = AttemptFiles(storage, job(variables={"trigger": trigger}, sources=(f"{namespace}/{flow_id}/original",)))
    retried = AttemptFiles(storage, job(variables={"execution": {"originalId": "original"}}))
    assert retried.read_text(original, 10) == "1"

    assert (mine.read_text(original, 10), mine.read_text(given, 10)) == ("1", "2")


def test_files_of_a_called_execution_are_allowed_wherever_its_flow_is(storage: LocalStorage) -> None:
    uris = [
        AttemptFiles(storage, job(execution_id=id, flow_id="other", namespace="a.b")).put("x", io.BytesIO(b"1"))
        for id in ("child", "another")
    ]
    mine = AttemptFiles(storage, job(children=("child",)))

    assert mine.read_text(uris[0], 10) == "1"
    with pytest.raises(StorageError, match="belongs to another execution"):
        mine.size(uris[1])
    with pytest.raises(StorageError, match="belongs to another execution"):
        mine.exists("kestra:///a/_files/executions/child/x")


def test_a_file_too_large_or_not_text_is_not_read_into_a_template(storage: LocalStorage) -> None:
    files = AttemptFiles(storage, job())
    with pytest.raises(StorageError, match="at most 3 bytes"):
        files.read_text(files.put("x", io.BytesIO(b"1234")), 3)
    with pytest.raises(StorageError, match="UTF-8"):
        files.read_text(files.put("x", io.BytesIO(b"\xff")), 3)
