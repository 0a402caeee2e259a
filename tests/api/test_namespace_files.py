from __future__ import annotations

from typing import Any

import pytest
from aiohttp import FormData

FILES = "/namespaces/demo.team/files"


def put(server: Any, path: str, content: bytes = b"hello") -> Any:
    form = FormData()
    form.add_field("fileContent", content, filename=path.rsplit("/", 1)[-1])
    return server.post(f"{FILES}?path={path}", data=form)


@pytest.fixture
def filled(server: Any) -> Any:
    for path in ("/a.txt", "/scripts/b.py", "scripts/deep/c.py"):
        assert put(server, path).status == 200
    return server


def test_a_file_is_stored_read_and_replaced(server: Any) -> None:
    assert put(server, "/scripts/a.txt").json == {"namespace": "demo.team", "path": "/scripts/a.txt", "size": 5}
    assert server.get(f"{FILES}?path=scripts/a.txt").body == b"hello"
    put(server, "scripts/a.txt", b"other")
    assert server.get(f"{FILES}?path=/scripts/a.txt").body == b"other"
    assert server.get("/namespaces/demo/files?path=/scripts/a.txt").status == 404


def test_folders_are_what_paths_have_in_common(filled: Any) -> None:
    assert filled.get(f"{FILES}/directory").json == [
        {"type": "Directory", "fileName": "scripts", "size": 0},
        {"type": "File", "fileName": "a.txt", "size": 5},
    ]
    assert [each["fileName"] for each in filled.get(f"{FILES}/directory?path=/scripts").json] == ["deep", "b.py"]
    assert filled.get("/namespaces/empty/files/directory").json == []


def test_what_is_known_of_a_path(filled: Any) -> None:
    assert filled.get(f"{FILES}/stats?path=/scripts/b.py").json == {"type": "File", "fileName": "b.py", "size": 5}
    assert filled.get(f"{FILES}/stats?path=scripts").json["type"] == "Directory"
    assert filled.get(f"{FILES}/stats").json["fileName"] == "_files"
    assert filled.get(f"{FILES}/stats?path=/none").status == 404


def test_paths_are_found_by_a_part_of_them(filled: Any) -> None:
    assert filled.get(f"{FILES}/search?q=.PY").json == ["/scripts/b.py", "/scripts/deep/c.py"]


def test_a_file_or_all_of_a_folder_is_removed(filled: Any) -> None:
    assert filled.call("DELETE", f"{FILES}?path=/a.txt").status == 204
    assert filled.call("DELETE", f"{FILES}?path=/a.txt").status == 204
    assert filled.call("DELETE", f"{FILES}?path=/scripts/deep").status == 204
    assert filled.get(f"{FILES}/search").json == ["/scripts/b.py"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 400),
        ("POST", "?path=", 400),
        ("GET", "?path=/_flows/a.yaml", 422),
        ("DELETE", "?path=/_flows", 422),
        ("GET", "?path=../../secret", 422),
        ("POST", "?path=/a.txt", 415),
    ],
)
def test_what_is_no_file_is_refused(server: Any, method: str, path: str, status: int) -> None:
    assert server.call(method, FILES + path).status == status
