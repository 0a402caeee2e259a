"""Writes the schemas of all messages into `schemas/`: `python -m topics.serde.derive`.

Owns the command that keeps the files up to date, and the documentation in them, taken from the source of the classes.
Which change is compatible is said in `schemas/compat.py`; this refuses to write one that isn't.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import schemas
from schemas import compat
from topics.serde import shapes
from topics.serde.schema import schema_of
from topics.serde.table import RECORDS

COMMAND = "python -m topics.serde.derive"


def text_of(record: shapes.Record) -> str:
    """Return the contents of the message's `.avsc` file."""
    return json.dumps(schema_of(record, docs_of), indent=2, ensure_ascii=False) + "\n"


def _one_line(text: str) -> str:
    return " ".join(inspect.cleandoc(text).split())


def docs_of(cls: type[msgspec.Struct]) -> dict[str, str]:
    """Return a class's documentation: under "" its own, under each field's name what stands below the field."""
    docs = {"": _one_line(cls.__doc__ or "")}
    for each in reversed(cls.__mro__):
        if not (issubclass(each, msgspec.Struct) and each.__struct_fields__):
            continue
        tree = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
        assert isinstance(tree, ast.ClassDef)
        for node, following in zip(tree.body, tree.body[1:], strict=False):
            match node, following:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    docs[name] = _one_line(text)
    return docs


def write(root: Path, records: dict[str, shapes.Record], *, release: bool = False) -> list[str]:
    """Bring the `.avsc` files in `root` up to date.

    Args:
        root: The folder `schemas`.
        records: Every message by name.
        release: Also keep each current schema as a released version, which every later one must stay compatible with.

    Returns:
        What is wrong: incompatible changes of released messages. If there are any, nothing was written.
    """
    wanted = {name: schema_of(record) for name, record in records.items()}
    released = schemas.released(root)
    problems = [
        f"{name}: {problem}"
        for name, versions in released.items()
        for problem in (
            compat.against(wanted[name], versions).errors
            if name in wanted
            else ["was released, so its class must stay: records of it are in logs"]
        )
    ]
    if problems:
        return problems
    for path in root.glob("*.avsc"):
        if path.stem not in wanted:
            path.unlink()
    for name, record in records.items():
        path = root / f"{name}.avsc"
        text = text_of(record)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
        if release:
            _keep(root / schemas.RELEASED / name, text, wanted[name], released.get(name, ()))
    return []


def _keep(folder: Path, text: str, definition: dict[str, Any], versions: Sequence[schemas.Schema]) -> None:
    if schemas.fingerprint(definition) in {each.fingerprint for each in versions}:
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"v{len(versions) + 1}.avsc").write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status, 1 if a released message was changed incompatibly."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Rewrite schemas/*.avsc from the message classes.")
    parser.add_argument("--release", action="store_true", help="keep the result as released versions")
    release = parser.parse_args(arguments).release
    problems = write(Path(str(schemas.home())), RECORDS, release=release)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
