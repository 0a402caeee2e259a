"""What no file may say, and what no test may do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.house import source

UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|HA" + r"CK)\b")
OF_ONE_MACHINE = re.compile(r"(?<![\w.$}/-])/(work|root|farm|home/\w+)/(?=[\w.])")
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore)(?P<rest>.*)")
SUPPRESSIONS_PER_THOUSAND_LINES = 2.0
BINARY = {".png", ".ico", ".woff2", ".gz", ".zip", ".bin", ".jpg", ".svg"}


def readable() -> list[Path]:
    """Files of our own that are text; flows and answers written for other engines are quoted as they are."""
    return [path for path in source.files() if path.suffix not in BINARY and "conformance" not in path.parts]


def places(pattern: re.Pattern[str], paths: list[Path]) -> list[str]:
    found = []
    for path in paths:
        try:
            lines = source.text(path).splitlines()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path}:{number} {line.strip()[:100]}" for number, line in enumerate(lines, 1) if pattern.search(line)
        ]
    return found


def test_nothing_is_left_for_later() -> None:
    problems = places(UNFINISHED, [path for path in readable() if path.suffix not in {".lock", ".json"}])

    assert not problems, source.report(problems, "Do it now, or open an issue and take the mark out.")


def test_nothing_depends_on_one_machine() -> None:
    problems = places(OF_ONE_MACHINE, readable())

    assert not problems, source.report(problems, "Derive the path from the file, an argument or a temporary folder.")


def test_every_suppression_names_what_it_silences() -> None:
    problems, lines = [], 0
    total = 0
    for path in source.python_files(*source.PACKAGES):
        for number, line in enumerate(source.text(path).splitlines(), 1):
            lines += 1
            match = SUPPRESSION.search(line)
            if match:
                total += 1
                if not re.match(r"(:\s*[A-Z]+\d+|\[[a-z-]+)", match["rest"]):
                    problems.append(f"{path}:{number} {line.strip()[:100]}")

    assert not problems, source.report(problems, "Name the rule: `noqa: S603`, `type: ignore[arg-type]`.")
    assert total <= max(3, lines * SUPPRESSIONS_PER_THOUSAND_LINES / 1000), (
        f"{total} suppressions in {lines} lines are more than {SUPPRESSIONS_PER_THOUSAND_LINES} per 1000: mend causes."
    )


def test_no_test_sleeps() -> None:
    problems = []
    for path in source.python_files("tests"):
        if "bench" in Path(path).parts:
            continue  # a benchmark looks once in a while, so as not to measure its own looking
        for node in ast.walk(source.tree(path)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "sleep"):
                continue
            zero = len(node.args) == 1 and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0
            if not zero:
                problems.append(f"{path}:{node.lineno}")

    assert not problems, source.report(
        problems, "Wait for what you wait for (a record, an acknowledgement, a thread's end), or hand the clock in."
    )
