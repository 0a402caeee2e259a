"""Names that say nothing, and names that must be written in one place only."""

from __future__ import annotations

import ast
import re

from tests.house import source
from topics import catalog

SAY_NOTHING = re.compile(r"(^|_)(utils?|commons?|helpers?|managers?|misc)($|_)")
PLAIN_WORDS = {catalog.LOGS, catalog.METRICS}
"""Topics whose names are ordinary words, which other things are rightly called by too (a route, a column)."""


def test_no_module_or_class_has_a_name_that_says_nothing() -> None:
    problems = []
    for path in source.python_files(*source.PACKAGES, "tests"):
        problems += [f"{path} has the part {part!r}" for part in path.with_suffix("").parts if SAY_NOTHING.search(part)]
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.ClassDef) and SAY_NOTHING.search(snake(node.name)):
                problems.append(f"{path}:{node.lineno} {node.name}")

    assert not problems, source.report(problems, "Name it after what it does or holds; see the nouns in README.md.")


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def test_a_topic_is_named_in_the_catalogue_only() -> None:
    names = set(catalog.BY_NAME) - PLAIN_WORDS
    endings = tuple(
        "." + name.partition(".")[2] for name in names if "." in name and not name.startswith(catalog.JOBS_PREFIX)
    )
    problems = []
    for path in source.python_files(*source.PACKAGES):
        if path.as_posix() == "topics/catalog.py":
            continue
        for constant in source.strings(path):
            value = constant.value
            if value in names or value == catalog.JOBS_PREFIX or value in endings:
                problems.append(f"{path}:{constant.lineno} {value!r}")

    assert not problems, source.report(problems, "Use the constant or function of topics/catalog.py.")


def test_tests_are_named_as_sentences() -> None:
    problems = [
        f"{path}:{function.lineno} {function.name}"
        for path in source.python_files("tests")
        for function in source.functions(path)
        if function.name.startswith("test_") and len(function.name.split("_")) < 3
    ]

    assert not problems, source.report(problems, "Say what happens, and when: test_a_repeated_create_changes_nothing.")
