"""Java's regular expressions on the `regex` library, bounded in size, count and time.

Owns the bounds, and replacement texts (`$1`, `${name}`); spellings that differ are `java_patterns.py`'s. The time bound
is the library's own: a match that runs away ends with an error, not with a slow partition.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure, quoted
from engine.expression.java_patterns import java_pattern

if TYPE_CHECKING:
    from engine.expression.state import Run

MAX_PATTERN = 1000
"""Longest pattern, in characters."""

MAX_WEIGHT = 5000
"""Most characters after every counted repetition is written out, `(ab{3}){2}` being 8; the library writes them out."""

MATCH_COST = 200
"""Steps that a use of a pattern costs; bounds how many uses a render gets."""

_SPECIAL = frozenset(".$|()[{^?*+\\")


def is_plain(pattern: str) -> bool:
    """True if a pattern has no special character, so that it means itself."""
    return not any(character in _SPECIAL for character in pattern)


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """Return a compiled pattern.

    Raises:
        Failure: If it is too long or isn't a regular expression.
    """
    if len(pattern) > MAX_PATTERN:
        raise Failure(f"A regular expression of more than {MAX_PATTERN} characters")
    if _weight(pattern) > MAX_WEIGHT:
        raise Failure(f"The regular expression {quoted(pattern)} repeats more than {MAX_WEIGHT} characters in all")
    try:
        return java_pattern(pattern)
    except ValueError as error:
        raise Failure(f"{quoted(pattern)} is no regular expression: {error}") from None


def _weight(pattern: str) -> int:
    """Return how long the pattern is with all counted repetitions written out."""
    sums, last, at = [0], 0, 0
    while at < len(pattern):
        character = pattern[at]
        if character == "(":
            sums.append(0)
            last = 0
        elif character == ")" and len(sums) > 1:
            last = sums.pop() + 1
            sums[-1] += last
        elif character == "{" and (end := pattern.find("}", at)) != -1:
            counts = [int(part) for part in pattern[at + 1 : end].split(",") if part.isdigit() and len(part) < 9]
            times = max(counts, default=1)
            sums[-1] += last * max(times - 1, 0)
            last *= max(times, 1)
            at = end
        elif character == "[":
            at = _class_end(pattern, at)
            last = 1
            sums[-1] += 1
        else:
            if character == "\\":
                named = pattern[at + 1 : at + 2] in "xpPN" and pattern.startswith("{", at + 2)
                at = max(pattern.find("}", at), at + 1) if named else at + 1
            last = 1
            sums[-1] += 1
        at += 1
    return sum(sums)


def _class_end(pattern: str, at: int) -> int:
    """Return the offset of the bracket that closes a class."""
    at += 1 + pattern.startswith("^", at + 1)
    at += pattern.startswith("]", at)
    while at < len(pattern) and pattern[at] != "]":
        at += 1 + (pattern[at] == "\\")
    return at


def _timed(run: Run, text: str) -> float:
    run.charge(MATCH_COST + (len(text) >> 6))
    return run.budget.regex_ms / 1000


def full_match(run: Run, pattern: str, text: str) -> bool:
    """True if the whole text fits the pattern."""
    limit = _timed(run, text)
    try:
        return compiled(pattern).fullmatch(text, timeout=limit) is not None
    except TimeoutError:
        raise _runaway(pattern) from None


def search(run: Run, pattern: str, text: str) -> Any:
    """Return the first match or None."""
    limit = _timed(run, text)
    try:
        return compiled(pattern).search(text, timeout=limit)
    except TimeoutError:
        raise _runaway(pattern) from None


def find(run: Run, pattern: str, text: str, most: int | None) -> list[Any]:
    """Return the first matches, all if `most` is None."""
    limit = _timed(run, text)
    found: list[Any] = []
    try:
        for match in compiled(pattern).finditer(text, timeout=limit):
            run.charge(1)
            found.append(match)
            if most is not None and len(found) >= most:
                break
    except TimeoutError:
        raise _runaway(pattern) from None
    return found


def replace(run: Run, pattern: str, replacement: str, text: str) -> str:
    """Return the text with all matches replaced; `$1` and `${name}` in the replacement mean groups.

    Raises:
        Failure: If the replacement asks for a group that the pattern doesn't have.
    """
    limit = _timed(run, text)
    parts = _replacement(replacement)
    out: list[str] = []
    at = size = 0
    try:
        for match in compiled(pattern).finditer(text, timeout=limit):
            run.charge(1)
            try:
                new = "".join(part if isinstance(part, str) else match[part[0]] or "" for part in parts)
            except IndexError:
                raise Failure(f"{quoted(pattern)} has no group that {quoted(replacement)} asks for") from None
            out += (text[at : match.start()], new)
            size += match.start() - at + len(new)
            run.grow(size)
            at = match.end()
    except TimeoutError:
        raise _runaway(pattern) from None
    out.append(text[at:])
    run.grow(size + len(text) - at)
    return "".join(out)


def _replacement(text: str) -> list[str | tuple[int | str]]:
    """Return a replacement's constant parts, and groups as one-element tuples."""
    parts: list[str | tuple[int | str]] = []
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            parts.append(text[at + 1])
            at += 2
        elif character == "$" and text[at + 1 : at + 2] == "{" and (end := text.find("}", at)) != -1:
            parts.append((text[at + 2 : end],))
            at = end + 1
        elif character == "$" and text[at + 1 : at + 2].isdigit():
            parts.append((int(text[at + 1]),))
            at += 2
        elif character == "$":
            raise Failure("A '$' in a replacement must be followed by a group, or be written '\\$'")
        else:
            parts.append(character)
            at += 1
    return parts


def split(run: Run, pattern: str, text: str, limit: int | None) -> list[str]:
    """Return the text cut at each match, as Java's `split` does.

    Args:
        run: Whose budget counts.
        pattern: Where to cut.
        text: What to cut.
        limit: Most parts if positive; None or 0 drops empty parts at the end, negative keeps them.
    """
    if text == "":
        return [""]
    most = limit if limit and limit > 0 else 0
    if is_plain(pattern) and pattern:
        run.charge(1 + (len(text) >> 8))
        run.fill(text.count(pattern))
        parts = text.split(pattern, most - 1) if most else text.split(pattern)
    else:
        parts = _split_at_matches(run, pattern, text, most)
    if not limit:
        while parts and parts[-1] == "":
            parts.pop()
    return parts


def _split_at_matches(run: Run, pattern: str, text: str, most: int) -> list[str]:
    limit = _timed(run, text)
    parts: list[str] = []
    at = 0
    try:
        for match in compiled(pattern).finditer(text, timeout=limit):
            run.charge(1)
            if most and len(parts) == most - 1:
                break
            if match.end() == 0 or (match.start() == match.end() == len(text)):
                continue
            parts.append(text[at : match.start()])
            at = match.end()
    except TimeoutError:
        raise _runaway(pattern) from None
    parts.append(text[at:])
    return parts


def _runaway(pattern: str) -> Failure:
    return Failure(f"The regular expression {quoted(pattern)} takes too long")
