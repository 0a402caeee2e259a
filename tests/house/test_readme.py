"""The README's map: each file of the ten hops exists, and holds the names that stand beside it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.house import source

README = source.ROOT / "README.md"
HOP = re.compile(r"^(?P<number>\d+)\. (?P<text>.*?)(?=^\d+\. |\n\n|\Z)", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")


def hops() -> list[str]:
    part = README.read_text("utf-8").split("## One execution, ten hops", 1)[1].split("\n## ", 1)[0]
    return [match["text"] for match in HOP.finditer(part)]


def names_in(path: Path) -> set[str]:
    """Classes, functions, and `Class.method` of a file."""
    found = set()
    for node in ast.walk(source.tree(path)):
        if isinstance(node, ast.ClassDef | source.Function):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if isinstance(each, source.Function)}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id for target in targets if isinstance(target, ast.Name)}
    return found


def test_there_are_ten_hops() -> None:
    assert len(hops()) == 10


def test_every_place_in_the_ten_hops_exists() -> None:
    problems = []
    for number, text in enumerate(hops(), 1):
        for written in CODE.findall(text):
            place, _, name = written.partition(": ")
            if not re.fullmatch(r"[a-z_]+(/[a-z_.]+)+/?", place):
                continue
            if not (source.ROOT / place).exists():
                problems.append(f"hop {number}: {place} does not exist")
            elif name and name not in names_in(Path(place)):
                problems.append(f"hop {number}: {place} has no {name}")

    assert not problems, source.report(problems, "Write in README.md where it is now, or put it back.")


def test_the_readme_links_to_files_that_exist() -> None:
    problems = []
    for path in source.files():
        if path.suffix == ".md" and path.parts[0] != "tests":
            for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", source.text(path)):
                if "://" not in target and not (source.ROOT / path.parent / target).exists():
                    problems.append(f"{path} links to {target}")

    assert not problems, source.report(problems, "Mend the link.")
