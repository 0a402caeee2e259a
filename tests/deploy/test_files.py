"""Files between HTTP and the storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.files import CHUNK_BYTES, MEMORY_BYTES_MAX, ApiFiles
from worker.storage.local import LocalStorage


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def put_and_get(files: ApiFiles, name: str, *parts: bytes) -> tuple[str, int, bytes]:
    uri = await files.put("e1", name, pieces(*parts), namespace="company.team", flow_id="f")
    contents = [piece async for piece in await files.get(uri)]
    return uri, await files.size(uri), b"".join(contents)


@pytest.mark.parametrize("size", [0, 5, CHUNK_BYTES + 1, MEMORY_BYTES_MAX + 1])
def test_a_file_comes_back_as_it_went_in(tmp_path: Path, size: int) -> None:
    files = ApiFiles(LocalStorage(tmp_path))
    half = b"x" * (size // 2)

    uri, found, contents = asyncio.run(put_and_get(files, "inputs/data/a.csv", half, b"y" * (size - len(half))))

    assert uri == "kestra:///company/team/f/executions/e1/inputs/data/a.csv"
    assert found == size
    assert contents == half + b"y" * (size - len(half))


def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    files = ApiFiles(LocalStorage(tmp_path / "storage"))

    with pytest.raises(ValueError, match="relative"):
        asyncio.run(put_and_get(files, "../../../../../../etc/x", b"x"))

    assert list(tmp_path.rglob("x")) == []


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(ApiFiles(LocalStorage(tmp_path)).size("kestra:///nothing/here"))


def test_files_of_a_namespace_lie_where_workers_look_for_them(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    files = ApiFiles(storage)

    async def put(path: str) -> str:
        return await files.put_in_namespace("a.b", path, pieces(b"hel", b"lo"))

    assert asyncio.run(put("x/y.txt")) == "kestra:///a/b/_files/x/y.txt" == files.uri_in_namespace("a.b", "x/y.txt")
    assert storage.open("kestra:///a/b/_files/x/y.txt").read() == b"hello"
    asyncio.run(put("z.txt"))
    assert asyncio.run(files.paths_in_namespace("a.b", 2)) == ["x/y.txt", "z.txt"]
    with pytest.raises(ValueError, match="at most 1 files"):
        asyncio.run(files.paths_in_namespace("a.b", 1))
    asyncio.run(files.remove("kestra:///a/b/_files/z.txt"))
    assert asyncio.run(files.paths_in_namespace("a.b", 2)) == ["x/y.txt"]


@pytest.mark.parametrize(("namespace", "path"), [("a.b", "../../c"), ("../a", "c"), ("a.b", "")])
def test_what_is_no_file_of_a_namespace_has_no_address(namespace: str, path: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Expected"):
        ApiFiles(LocalStorage(tmp_path)).uri_in_namespace(namespace, path)
