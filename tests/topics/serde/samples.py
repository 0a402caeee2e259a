"""Deterministic samples of every message, and the golden files made of them.

`python -m tests.topics.serde.samples` brings the schemas up to date and writes the samples that are missing. A sample
of a released schema version is never written again; the one of a version still being worked on follows its schema.
"""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import msgspec

import schemas
from topics.messages import Step
from topics.serde import KINDS, derive, encode, encode_step, shapes
from topics.serde.schema import schema_of
from topics.serde.table import RECORDS

FOLDER = Path(__file__).parents[2] / "golden" / "messages"
COMMAND = "python -m tests.topics.serde.samples"
KIND_BY_STEP = {kind.step: name for name, kind in KINDS.items()}


def sample(shape: shapes.Shape, name: str) -> Any:
    """Return a value of this shape; `name` (of the field around it) makes it distinguishable and stable."""
    seed = zlib.crc32(name.encode())
    match shape:
        case shapes.Scalar("long"):
            return 1_764_000_000_000 + seed % 1000 if name.endswith("_ms") else seed % 20_000 - 100
        case shapes.Scalar("double"):
            return seed % 1000 / 8
        case shapes.Scalar("boolean"):
            return True
        case shapes.Scalar("bytes"):
            return json.dumps({name: [1, "é"]}).encode() if name.endswith("_json") else seed.to_bytes(4, "big")
        case shapes.Scalar():
            return f"{name} é"
        case shapes.Symbol(cls):
            members = sorted(cls)
            return members[seed % len(members)]
        case shapes.Optional(of):
            return sample(of, name)
        case shapes.Array(shapes.Union(of)):
            return tuple(sample(each, name) for each in of)
        case shapes.Array(of):
            return (sample(of, name), sample(of, name + "_2"))
        case shapes.Map(of):
            return {"one": sample(of, name), "two é": sample(of, name + "_2")}
        case shapes.Record():
            return shape.cls(**{field.name: sample(field.shape, field.name) for field in shape.fields})
    raise AssertionError(shape)


def encoded(name: str, message: msgspec.Struct) -> bytes:
    """Return the record value of a message, given the name of its schema."""
    return encode_step(KIND_BY_STEP[name], message) if isinstance(message, Step) else encode(message)


def flat(value: Any) -> Any:
    """Return a message as JSON values, without loss of what tests compare."""
    if isinstance(value, msgspec.Struct):
        return {"@type": type(value).__name__} | {name: flat(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {key: flat(each) for key, each in value.items()}
    if isinstance(value, tuple):
        return [flat(each) for each in value]
    return str(value) if isinstance(value, str) else value


def version_of(name: str) -> tuple[int, bool]:
    """Return the number of a message's current schema version, and whether it is released."""
    mine = schemas.fingerprint(schema_of(RECORDS[name]))
    versions = schemas.released().get(name, ())
    for each in versions:
        if each.fingerprint == mine:
            return each.version or 0, True
    return len(versions) + 1, False


def path_of(name: str) -> Path:
    """Return the golden file of a message's current version."""
    return FOLDER / f"{name}.v{version_of(name)[0]}.json"


def write() -> None:
    """Bring the golden files up to date."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.json"):
        if path.name.split(".")[0] not in RECORDS:
            path.unlink()
    for name, record in RECORDS.items():
        message = sample(record, name)
        data = encoded(name, message)
        path = path_of(name)
        if path.exists() and (version_of(name)[1] or json.loads(path.read_text())["hex"].startswith(data[:10].hex())):
            continue
        text = json.dumps({"hex": data.hex(), "message": flat(message)}, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    status = derive.main([])
    if status == 0:
        write()
    raise SystemExit(status)
