"""Patterns of file names: `*`, `?`, `[…]`, `{a,b}` and `**`.

Owns their meaning: `*` stays within a folder, `**/` is any number of folders, none included.
"""

from __future__ import annotations

from collections.abc import Callable

import regex  # type: ignore[import-untyped, unused-ignore]

from worker.context import TaskFailed

PATTERN_CHARACTERS_MAX = 1_000
MATCH_SECONDS = 0.5
"""For one file name; a pattern of many stars can take for ever, and a worker has other things to do."""


def matcher_of(pattern: str, what: str = "outputFiles") -> Callable[[str], bool]:
    """Return whether a relative path with slashes matches.

    Args:
        pattern: As written.
        what: The property that it is of.

    Raises:
        TaskFailed: If the pattern is malformed or leads out of the folder; the matcher, if it takes too long.
    """
    written = pattern.removeprefix("glob:").removeprefix("./")
    if len(written) > PATTERN_CHARACTERS_MAX or written.startswith("/") or ".." in written.split("/"):
        raise TaskFailed(f"{what}: expected a pattern within the working directory, but got {pattern[:200]!r}")
    try:
        compiled = regex.compile(_translated(written), regex.DOTALL)
    except (regex.error, IndexError):
        raise TaskFailed(f"{what}: the pattern {pattern!r} is malformed") from None

    def matches(path: str) -> bool:
        try:
            return compiled.fullmatch(path, timeout=MATCH_SECONDS, concurrent=True) is not None
        except TimeoutError:
            raise TaskFailed(f"{what}: the pattern {pattern!r} takes too long; it has too many stars") from None

    return matches


def _translated(pattern: str) -> str:
    found: list[str] = []
    at = depth = 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            found.append("(?:[^/]+/)*")
            at += 3
            continue
        if pattern.startswith("**", at):
            found.append(".*")
            at += 2
            continue
        each = pattern[at]
        at += 1
        if each == "*":
            found.append("[^/]*")
        elif each == "?":
            found.append("[^/]")
        elif each == "[":
            end = pattern.index("]", at + 1) if "]" in pattern[at + 1 :] else len(pattern) + 1
            inner = pattern[at:end]
            if end > len(pattern):
                raise IndexError
            negated = inner[:1] in ("!", "^")
            body = (inner[1:] if negated else inner).replace("\\", r"\\").replace("[", r"\[").replace("&&", r"&\&")
            found.append(f"(?!/)[{'^' if negated else ''}{body}]")
            at = end + 1
        elif each == "{":
            depth += 1
            found.append("(?:")
        elif each == "}" and depth:
            depth -= 1
            found.append(")")
        elif each == "," and depth:
            found.append("|")
        elif each == "\\":
            found.append(regex.escape(pattern[at]))
            at += 1
        else:
            found.append(regex.escape(each))
    return "".join(found)
