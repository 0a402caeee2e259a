"""What can be wrong with a flow, as data: one `Problem` for each, with its place in the text and its rule's name.

Owns the shape of a problem, the collecting of many at once and the did-you-mean. It knows no rule of the language.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Any, Literal, Protocol

import msgspec

Severity = Literal["error", "warning", "info"]
Path = tuple[str | int, ...]
"""Keys and indexes from the top of the document to the culprit."""

Hint = str | Callable[[], str]
"""What would be right; a function where finding it out is dear, called only if the problem is kept."""

MAX_PROBLEMS = 500
"""A hostile or wholly foreign document may be wrong in every line; nobody reads more than this."""


MAX_EFFORT = 100_000
"""Characters of expressions that are compiled in order to check a flow; simple ones aren't counted."""

MAX_TEXT = 1000
"""Characters of a message or path."""

_ABOUT_KEYS = frozenset({"unknown-property", "deprecated-property", "no-effect"})
"""Rules that find fault with a property being there, whatever its value."""


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong, doubtful or old-fashioned in a flow.

    `line` and `column` count from 1 and are 0 when the problem has no place (an empty document). `path` is readable:
    the index of a task, trigger, input or output is replaced by its id (`tasks[hello].message`). `pointer` is the same
    place as an RFC 6901 pointer. `hint` says what would be right; it may be empty.
    """

    severity: Severity
    rule: str
    message: str
    line: int = 0
    column: int = 0
    path: str = ""
    hint: str = ""
    pointer: str = ""

    def __str__(self) -> str:
        """Return the problem as one line, `path: message`, as clients of the validate call know it."""
        text = f"{self.path}: {self.message}" if self.path else self.message
        if self.hint:
            text = f"{text}. {self.hint}"
        return f"{text} (at line {self.line})" if self.line else text


class Located(Protocol):
    """A document that can tell where a path stands."""

    value: Any
    """The content as plain JSON values."""

    def position(self, path: Path, of_key: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of what stands at `path`, or of its nearest parent that is in the text.

        `of_key` asks for the key instead of the value.
        """

    def position_within(self, path: Path, offset: int) -> tuple[int, int]:
        """Return line and column, from 1, of one character of the text at `path`."""

    def written(self, path: Path) -> str | None:
        """Return the unquoted word that stands at `path`, if one does."""


class Report:
    """Collects the problems of one document.

    Args:
        document: Where paths are looked up.
        silenced: Names of rules that shall stay quiet. Only warnings and infos can be silenced: an error would let a
            flow through that can't run.
    """

    def __init__(self, document: Located, silenced: Collection[str] = ()) -> None:
        self._document = document
        self._silenced = frozenset(silenced)
        self._seen: set[tuple[str, str, Path]] = set()
        self._searched = 0
        self._effort = MAX_EFFORT
        self.problems: list[Problem] = []
        self.errors = 0
        self.unsound = False
        """True once something is missing without which there is no flow to speak of, such as a task's id."""

    def position(self, path: Path) -> tuple[int, int]:
        """Return line and column of a path, from 1."""
        return self._document.position(path)

    def written(self, path: Path) -> str | None:
        """Return the unquoted word at `path` as it was written, if one stands there."""
        return self._document.written(path)

    def error(self, rule: str, message: str, path: Path, hint: Hint = "") -> None:
        """Add an error: the flow can't be saved."""
        self._add("error", rule, message, path, hint)

    def warning(self, rule: str, message: str, path: Path, hint: Hint = "", offset: int | None = None) -> None:
        """Add a warning: the flow can be saved, but probably doesn't do what was meant.

        `offset` is that of the culprit in the text at `path`, if it isn't all of it.
        """
        self._add("warning", rule, message, path, hint, offset)

    def info(self, rule: str, message: str, path: Path, hint: Hint = "") -> None:
        """Add a remark, for instance a type that has a newer name."""
        self._add("info", rule, message, path, hint)

    def _add(
        self, severity: Severity, rule: str, message: str, path: Path, hint: Hint, offset: int | None = None
    ) -> None:
        if severity != "error" and rule in self._silenced:
            return
        if len(self.problems) >= MAX_PROBLEMS or (rule, message, path) in self._seen:
            return
        self._seen.add((rule, message, path))
        self.errors += severity == "error"
        if offset is None:
            line, column = self._document.position(path, of_key=rule in _ABOUT_KEYS)
        else:
            line, column = self._document.position_within(path, offset)
        pointer = "".join("/" + str(step)[:MAX_TEXT].replace("~", "~0").replace("/", "~1") for step in path)
        readable = _shortened(readable_path(self._document.value, path))
        said = hint if isinstance(hint, str) else ""
        if not isinstance(hint, str) and self._searched < _MOST_SEARCHES:
            self._searched += 1
            said = hint()
        self.problems.append(Problem(severity, rule, _shortened(message), line, column, readable, said, pointer))

    def affords(self, effort: int) -> bool:
        """Return whether a dear look at so many characters may still be taken; a remark tells where it ended."""
        if self._effort >= 0:
            self._effort -= effort
            if self._effort < 0:
                self.info("too-many-expressions", "Not all expressions of this flow were looked into", ())
        return self._effort >= 0

    def sorted(self) -> tuple[Problem, ...]:
        """Return the problems in the order of the text, errors of one place first."""
        rank = {"error": 0, "warning": 1, "info": 2}
        return tuple(sorted(self.problems, key=lambda p: (p.line, rank[p.severity], p.column)))


def _shortened(text: str) -> str:
    """Cut what a hostile or generated flow would blow up: every message quotes what was found."""
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def readable_path(value: object, path: Path) -> str:
    """Return `path` as people write it, with ids in the place of indexes where the items have one."""
    text = ""
    for step in path:
        value = _child(value, step)
        if isinstance(step, int):
            named = value.get("id") if isinstance(value, dict) else None
            if named is None and isinstance(value, dict) and isinstance(value.get("task"), dict):
                named = value["task"].get("id")
            text += f"[{named if isinstance(named, str) and named else step}]"
        else:
            text += f".{step}" if text else step
    return text


def _child(value: object, step: str | int) -> object:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
        return value[step]
    return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the nearest known word, or an empty text if none is near."""
    if len(word) > _LONGEST_WORD:
        return ""
    alike = (name for name in known if abs(len(name) - len(word)) <= _MOST_MISSING)
    lowered = {name.lower(): name for name in islice(alike, _MOST_CANDIDATES)}
    near = get_close_matches(word.lower(), lowered, n=1, cutoff=0.72)
    return f"Did you mean '{lowered[near[0]]}'?" if near else ""


_MOST_SEARCHES = 60
"""Of one document; each takes milliseconds where there are many names."""
_LONGEST_WORD = 150
_MOST_MISSING = 6
_MOST_CANDIDATES = 400


def kind_of(value: object) -> str:
    """Return what a value is, in words for a message: "a list", "the text 'abc'", "the number 3"."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value[:60]!r}"
    return "a list" if isinstance(value, list) else "a map"
