"""Forms that start or resume executions: text parts are read, files go to the storage as they come in.

Owns the reading of multipart bodies and which file part belongs to which input.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from hashlib import blake2b
from typing import Any

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web

from api.context import Context
from api.problems import ApiProblem
from api.requests import read_body, refuse_encoded

CHUNK = 256 * 1024
IDLE_S = 60.0
"""How long a form may stand still: files may take any time, as long as they come."""
PARTS_MAX = 1000
DIGEST_BYTES = 16


class Target(msgspec.Struct, frozen=True):
    """The execution that files are stored for."""

    execution_id: str
    namespace: str
    flow_id: str
    exists: bool = False
    """Its files stay as they are: what comes is only looked at."""


class Form(msgspec.Struct, frozen=True):
    """What a form says."""

    fields: dict[str, Any] = {}
    """By name; the URI of a file that was stored, otherwise text."""
    files: dict[str, tuple[str, str]] = {}
    """Name and digest of each file, by input."""


def sends_form(request: web.Request) -> bool:
    """Return whether the body is said to be a form with parts."""
    return request.content_type.startswith("multipart/")


async def read_form(request: web.Request, context: Context, target: Target, files: Collection[str]) -> Form:
    """Return the fields of a form; files are stored, and their URIs take their place.

    Args:
        request: With a multipart or urlencoded body, or none at all.
        context: Limits and storage.
        target: Whose files they are.
        files: Ids of the inputs that take files.

    Raises:
        ApiProblem: If the body is malformed, too large, or has files and there is no storage.
    """
    kind = request.content_type
    if not request.can_read_body:
        return Form()
    if kind == "application/x-www-form-urlencoded":
        from urllib.parse import parse_qsl

        body = await read_body(request, context.settings.body_bytes_max)
        return Form(dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=PARTS_MAX)))
    if not sends_form(request):
        if not await read_body(request, context.settings.body_bytes_max):
            return Form()
        raise ApiProblem(
            "unsupported-media-type", f"Expected inputs as multipart/form-data, one part for each, but got {kind}"
        )
    refuse_encoded(request)
    try:
        return await _read_parts(await request.multipart(), context, target, files)
    except TimeoutError:
        raise ApiProblem("bad-request", f"Nothing more came of the form for {IDLE_S:g} s") from None
    except (ValueError, AssertionError) as error:
        raise ApiProblem("bad-request", f"The form is malformed: {error or 'a part or boundary is missing'}") from None


async def _read_parts(reader: MultipartReader, context: Context, target: Target, files: Collection[str]) -> Form:
    fields: dict[str, Any] = {}
    found: dict[str, tuple[str, str]] = {}
    left = context.settings.body_bytes_max
    count = 0
    while (part := await asyncio.wait_for(reader.next(), IDLE_S)) is not None:
        count += 1
        if count > PARTS_MAX or not isinstance(part, BodyPartReader):
            raise ApiProblem("bad-request", f"Expected at most {PARTS_MAX} plain parts in a form")
        name = part.name or ""
        if part.filename is None:
            value = await read_text_part(part, left)
            left -= len(value)
            fields[name] = value.decode("utf-8", "replace")
            continue
        input_id = name if name in files else part.filename if part.filename in files else None
        if input_id is None:
            await asyncio.wait_for(part.release(), context.settings.wait_max_s)
            fields.setdefault(name, None)
            continue
        if context.storage is None:
            raise ApiProblem(
                "invalid-argument", f"Input {input_id} is a file, but this server has no storage for files"
            )
        stored = await store_part(part, context, target, f"inputs/{input_id}")
        fields[input_id], found[input_id] = stored.uri, (stored.name, stored.digest)
    return Form(fields, found)


async def read_text_part(part: BodyPartReader, most: int) -> bytes:
    """Return a part that is no file, at most `most` bytes."""
    pieces: list[bytes] = []
    size = 0
    while chunk := await asyncio.wait_for(part.read_chunk(CHUNK), IDLE_S):
        size += len(chunk)
        if size > most:
            raise ApiProblem(
                "payload-too-large", f"The texts of the form are too large at {part.name!r}: send large values as files"
            )
        pieces.append(chunk)
    return b"".join(pieces)


class Stored(msgspec.Struct, frozen=True):
    """A file that came in a form."""

    name: str
    digest: str
    size: int
    uri: str | None
    """None: it was only looked at."""


async def store_part(part: BodyPartReader, context: Context, target: Target, folder: str) -> Stored:
    """Store a part that is a file, in a folder of the execution.

    Raises:
        ApiProblem: If there is no storage, or it is too large.
    """
    if context.storage is None:
        raise ApiProblem("invalid-argument", "Expected a form without files, as this server has no storage for them")
    name = re.sub(r"[^\w.\-]+", "_", (part.filename or "").replace("\\", "/").rsplit("/", 1)[-1]) or "file"
    if name.strip(".") == "":
        name = "file"
    seen = _Seen(blake2b(digest_size=DIGEST_BYTES))
    chunks = _chunks(part, context.settings.upload_bytes_max, seen)
    uri = None
    if target.exists:
        async for _ in chunks:
            pass
    else:
        uri = await context.storage.put(
            target.execution_id, f"{folder}/{name}", chunks, namespace=target.namespace, flow_id=target.flow_id
        )
    return Stored(name, seen.digest.hexdigest(), seen.size, uri)


async def store_in_namespace(request: web.Request, context: Context, namespace: str, path: str) -> int:
    """Store the one file of a form as a namespace's, and return its size.

    Raises:
        ApiProblem: If there is no storage, the form holds no file, or it is too large or its name can't be.
    """
    if context.storage is None:
        raise ApiProblem("not-found", "This server has no storage for files")
    if not sends_form(request):
        raise ApiProblem("unsupported-media-type", "Expected a form (multipart/form-data) with the part 'fileContent'")
    refuse_encoded(request)
    try:
        part = await asyncio.wait_for((await request.multipart()).next(), IDLE_S)
        if not isinstance(part, BodyPartReader):
            raise ApiProblem("bad-request", "Expected a form with the part 'fileContent', but it has none")
        seen = _Seen(blake2b(digest_size=DIGEST_BYTES))
        chunks = _chunks(part, context.settings.upload_bytes_max, seen)
        await context.storage.put_in_namespace(namespace, path, chunks)
    except TimeoutError:
        raise ApiProblem("bad-request", f"Nothing more came of the form for {IDLE_S:g} s") from None
    except (ValueError, AssertionError) as error:
        raise ApiProblem("invalid-argument", str(error) or "The form is malformed") from None
    return seen.size


class _Seen(msgspec.Struct):
    """What has come of a file."""

    digest: blake2b
    size: int = 0


async def _chunks(part: BodyPartReader, most: int, seen: _Seen) -> AsyncIterator[bytes]:
    while chunk := await asyncio.wait_for(part.read_chunk(CHUNK), IDLE_S):
        seen.size += len(chunk)
        if seen.size > most:
            raise ApiProblem(
                "payload-too-large", f"Expected files of at most {most} bytes, but {part.name!r} is larger"
            )
        seen.digest.update(chunk)
        yield bytes(chunk)
