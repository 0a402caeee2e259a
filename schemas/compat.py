"""Says whether one schema may follow another: each must read what the other wrote (FULL), and why not if not.

Owns Avro's rules of resolution as far as our schemas use them. `python -m schemas.compat [revision]` compares the files
here with those of a git revision.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

import schemas

PROMOTIONS = {
    ("int", "long"),
    ("int", "float"),
    ("int", "double"),
    ("long", "float"),
    ("long", "double"),
    ("float", "double"),
    ("string", "bytes"),
    ("bytes", "string"),
}
"""(written, read) pairs of different primitives that a reader accepts."""


class Report(msgspec.Struct, frozen=True):
    """The outcome of a comparison."""

    errors: tuple[str, ...]
    """Empty: compatible. One sentence per difference, with the path to it."""
    notes: tuple[str, ...] = ()
    """Differences that are allowed but oblige: new kinds of records in a union, which older readers can't read."""


def full(new: Any, old: Any) -> Report:
    """Compare two schemas in both directions.

    One asymmetry is allowed: a union of records may grow. An older reader refuses a step with a kind of event that it
    doesn't know, and no encoding could help it, since it can't fold what it has no rule for. So such a release is
    rolled out to all readers before anything asks for the new event; the report carries it as a note.
    """
    backward = list(_differences(_Names(new), new, _Names(old), old, ""))
    forward = list(_differences(_Names(old), old, _Names(new), new, ""))
    errors = [f"{each}: the new schema can't read what the old one wrote" for each, _ in backward]
    errors += [f"{each}: the old schema can't read what the new one writes" for each, grown in forward if not grown]
    notes = [f"{each}: upgrade every reader before the first is written" for each, grown in forward if grown]
    return Report(tuple(dict.fromkeys(errors)), tuple(dict.fromkeys(notes)))


def against(new: Any, versions: Iterable[schemas.Schema]) -> Report:
    """Compare a schema with every released version of it (FULL_TRANSITIVE)."""
    errors: list[str] = []
    notes: list[str] = []
    for old in versions:
        report = full(new, old.definition)
        errors += [f"against v{old.version}: {each}" for each in report.errors]
        notes += [f"against v{old.version}: {each}" for each in report.notes]
    return Report(tuple(errors), tuple(notes))


class _Names:
    """The named types of a schema."""

    def __init__(self, definition: Any) -> None:
        self.found: dict[str, Any] = {}
        self._collect(definition, "")

    def _collect(self, schema: Any, namespace: str) -> None:
        if isinstance(schema, list):
            for each in schema:
                self._collect(each, namespace)
        elif isinstance(schema, dict):
            if schema["type"] == "record":
                namespace = schema.get("namespace", namespace)
                self.found[f"{namespace}.{schema['name']}"] = schema
                for field in schema["fields"]:
                    self._collect(field["type"], namespace)
            else:
                for part in ("items", "values"):
                    self._collect(schema.get(part), namespace)

    def resolve(self, schema: Any) -> Any:
        """Return the definition behind a name, and plain types as they are."""
        if isinstance(schema, str):
            return self.found.get(schema, schema)
        return schema


def _kind(schema: Any) -> str:
    if isinstance(schema, list):
        return "union"
    return schema if isinstance(schema, str) else str(schema["type"])


def _label(schema: Any) -> str:
    return str(schema["name"]) if _kind(schema) == "record" else _kind(schema)


def _differences(reading: _Names, reader: Any, writing: _Names, writer: Any, path: str) -> Iterator[tuple[str, bool]]:
    """Yield (what `reader` can't read of what `writer` wrote, whether it is only a new kind of record)."""
    reader, writer = reading.resolve(reader), writing.resolve(writer)
    here = path or "."
    if isinstance(writer, list):
        yield from _written_union(reading, reader, writing, writer, path)
    elif isinstance(reader, list):
        if not any(_accepts(reading, each, writing, writer) for each in reader):
            yield f"{here} {_label(writer)} isn't among {[_label(reading.resolve(each)) for each in reader]}", False
    elif _kind(reader) == "record" and _kind(writer) == "record":
        if reader["name"] != writer["name"]:
            yield f"{here} record {writer['name']} isn't {reader['name']}", False
        else:
            yield from _fields(reading, reader, writing, writer, path)
    elif _kind(reader) == _kind(writer) and _kind(reader) in ("array", "map"):
        part = "items" if _kind(reader) == "array" else "values"
        yield from _differences(reading, reader[part], writing, writer[part], f"{path}[]")
    elif _kind(reader) != _kind(writer) and (_kind(writer), _kind(reader)) not in PROMOTIONS:
        yield f"{here} {_kind(writer)} isn't {_kind(reader)}", False


def _written_union(
    reading: _Names, reader: Any, writing: _Names, writer: Sequence[Any], path: str
) -> Iterator[tuple[str, bool]]:
    branches = reader if isinstance(reader, list) else [reader]
    for each in map(writing.resolve, writer):
        same = [other for other in map(reading.resolve, branches) if _label(other) == _label(each)]
        if same:
            inner = f"{path}<{_label(each)}>" if len(writer) > 2 else path
            yield from _differences(reading, same[0], writing, each, inner)
        elif not any(_accepts(reading, other, writing, each) for other in branches):
            grown = isinstance(reader, list) and _kind(each) == "record" and "null" not in reader
            yield f"{path or '.'} {_label(each)} is unknown to the reader", grown


def _fields(reading: _Names, reader: Any, writing: _Names, writer: Any, path: str) -> Iterator[tuple[str, bool]]:
    written = {field["name"]: field for field in writer["fields"]}
    for field in reader["fields"]:
        name = f"{path}.{field['name']}" if path else field["name"]
        if field["name"] in written:
            yield from _differences(reading, field["type"], writing, written[field["name"]]["type"], name)
        elif "default" not in field:
            yield f"{name} has no default and isn't always written", False


def _accepts(reading: _Names, reader: Any, writing: _Names, writer: Any) -> bool:
    return next(_differences(reading, reader, writing, writer, ""), None) is None


def against_revision(revision: str, root: Path) -> dict[str, Report]:
    """Compare the files in `root` with those of a git revision, by message; only what differs is in the answer.

    Raises:
        subprocess.CalledProcessError: If `root` is in no git repository or the revision doesn't exist.
    """

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    reports = {}
    for name in git("ls-tree", "--name-only", revision, "./").split():
        if not name.endswith(".avsc"):
            continue
        old, path = json.loads(git("show", f"{revision}:./{name}")), root / name
        if not path.exists():
            reports[path.stem] = Report((f"{name} is gone",))
        elif (new := json.loads(path.read_text("utf-8"))) != old:
            reports[path.stem] = full(new, old)
    return reports


def main(arguments: Sequence[str]) -> int:
    """Print what differs from a git revision (default HEAD); returns 1 if something is incompatible."""
    reports = against_revision(arguments[0] if arguments else "HEAD", Path(str(schemas.home())))
    for name, report in sorted(reports.items()):
        for kind, lines in (("INCOMPATIBLE", report.errors), ("note", report.notes)):
            for line in lines:
                print(f"{kind} {name}: {line}")
    return int(any(report.errors for report in reports.values()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
