"""`penstock flow`: check flows, print their JSON schema, draw them. Nothing runs and no server is asked.

Owns reading the files and how problems look in a terminal. The rules are `engine/flow`'s.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from unicodedata import east_asian_width

from deploy.problems import UserError
from engine.flow import parse_flow
from engine.flow.drawing import graph_svg
from engine.flow.graph import flow_graph
from engine.flow.mermaid import graph_mermaid
from engine.flow.schema import flow_json_schema
from engine.flow.validate import validate_results

SUFFIXES = frozenset({".yaml", ".yml"})

Form = Literal["mermaid", "svg", "json"]

MAX_SHOWN = 120
"""Characters of a source line that are shown around a problem."""

_LINE_BREAK = re.compile(r"\r\n|[\r\n]")
"""What ends a line in YAML; `splitlines` knows more."""


def validate(
    paths: Sequence[Path],
    silenced: Collection[str] = (),
    warnings_fail: bool = False,
    form: Literal["text", "json"] = "text",
) -> int:
    """Print what is wrong with flows.

    Args:
        paths: YAML files, which may hold several flows, and folders of them.
        silenced: Rules whose warnings and infos are left out.
        warnings_fail: Whether a warning counts as a failure too.
        form: As compilers print it, with the line of the source and a mark below the place; or one JSON list with an
            entry for each flow.

    Returns:
        0 if every flow can be saved, 1 otherwise.
    """
    counts = {"error": 0, "warning": 0, "info": 0}
    results: list[dict[str, Any]] = []
    for path in flow_files(paths):
        source = read_text(path)
        for result in validate_results(source, silenced=silenced):
            results.append({"file": str(path), **result})
            for problem in result["problems"]:
                counts[problem["severity"]] += 1
                if form == "text":
                    print(problem_line(path, problem))
                    print(marked_line(source, problem["line"], problem["column"]), end="")
    if form == "json":
        print(json.dumps(results, ensure_ascii=False, indent=2))
    found = (
        f"{counted(len(results), 'flow')}, {counted(counts['error'], 'error')}, {counted(counts['warning'], 'warning')}"
    )
    print(found, file=sys.stderr)
    return 1 if counts["error"] or (warnings_fail and counts["warning"]) else 0


def schema() -> int:
    """Print the JSON schema of flows."""
    print(json.dumps(flow_json_schema(), ensure_ascii=False))
    return 0


def graph(path: Path, form: Form = "mermaid") -> int:
    """Print a drawing of a flow.

    Args:
        path: The flow's file.
        form: Mermaid text, a picture as SVG, or nodes and edges as JSON.

    Raises:
        UserError: If the file holds no flow that can be drawn.
    """
    parsed = parse_flow(read_text(path), strict=False)
    if parsed.flow is None:
        why = parsed.errors[0] if parsed.errors else "it holds no flow"
        raise UserError(f"{path} can't be drawn: {why}")
    if form == "json":
        print(json.dumps(flow_graph(parsed.flow), ensure_ascii=False))
    else:
        print((graph_svg if form == "svg" else graph_mermaid)(parsed.flow), end="")
    return 0


def problem_line(path: Path, problem: Mapping[str, Any]) -> str:
    """Return a problem as compilers print theirs, `file:line:column: severity: …  [rule]`: editors can jump to it."""
    place = f"{path}:{problem['line']}:{problem['column']}" if problem["line"] else str(path)
    where = f"{problem['path']}: " if problem["path"] else ""
    hint = f". {problem['hint']}" if problem["hint"] else ""
    return _printable(f"{place}: {problem['severity']}: {where}{problem['message']}{hint}  [{problem['rule']}]")


def marked_line(source: str, line: int, column: int) -> str:
    """Return a line of a text and below it a mark under a column, both as lines; nothing for line 0."""
    lines = _LINE_BREAK.split(source)
    if not 1 <= line <= len(lines):
        return ""
    shown, before = lines[line - 1].rstrip(), column - 1
    cut = max(0, before - MAX_SHOWN // 2) if len(shown) > MAX_SHOWN else 0
    number = f"{line:5} | "
    start = "…" if cut else ""
    end = "…" if len(shown) - cut > MAX_SHOWN else ""
    text = _printable(shown[cut : cut + MAX_SHOWN])
    margin = len(start) + sum(2 if east_asian_width(each) in "FW" else 1 for each in shown[cut:before])
    return f"{number}{start}{text}{end}\n{'| '.rjust(len(number))}{' ' * margin}^\n"


def _printable(text: str) -> str:
    """Replace what could move a terminal's cursor or change its colours."""
    return "".join(each if each.isprintable() else " " for each in text)


def flow_files(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files themselves and the YAML files below the folders, sorted by name.

    Raises:
        UserError: If a path doesn't exist, or a folder holds no YAML file.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        below = sorted(found for found in path.rglob("*") if found.suffix in SUFFIXES and found.is_file())
        if not below:
            raise UserError(f"{path} holds no YAML file; name a flow's file or a folder of them")
        yield from below


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        UserError: If it can't be read, or isn't text.
    """
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}; name a flow's YAML file") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is no UTF-8 text; name a flow's YAML file") from None


def counted(number: int, noun: str) -> str:
    """Return "1 flow", "2 flows"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
