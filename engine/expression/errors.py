"""What a template can fail with, in words for the person who wrote the flow.

Owns the exceptions and the wording of "missing" messages. What becomes of the execution is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import Any

MAX_KNOWN = 20
"""How many neighbouring names an error carries; more would bury the answer."""

MAX_NEIGHBOURS = 500
"""How many names are searched for the one that was meant."""

MAX_QUOTED = 80
"""How long a value may be to be quoted."""

MAX_SHOWN = 120
"""How many characters of a template a message quotes."""


class RenderError(Exception):
    """A template that can't be rendered.

    Args:
        message: The whole sentence, ready for a log line.
        template: Source of the template.
        line: 1-based line in the template, 0 if unknown.
        column: 1-based column, 0 if unknown.
        missing: Name that was looked up and not found, if that is the reason.
        known: Names that were there instead (at most `MAX_KNOWN`).
    """

    def __init__(
        self,
        message: str,
        template: str = "",
        line: int = 0,
        column: int = 0,
        missing: str | None = None,
        known: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.template = template
        self.line = line
        self.column = column
        self.missing = missing
        self.known = known


class TemplateSyntaxError(RenderError):
    """A template that can't be parsed; known before anything is rendered."""


class MissingError(RenderError):
    """A name or attribute that isn't there; `??`, `is defined` and `default` swallow exactly this.

    Most are swallowed, so the sentence and the neighbouring names are made only when somebody asks for them.

    Args:
        name: What was looked up.
        neighbours: Names that are there.
        where: What the name was looked up in (`outputs.first`), empty for the top level.
        template: Source of the template.
        position: Offset of the name in it.
    """

    def __init__(self, name: str, neighbours: Iterable[Any], where: str, template: str, position: int) -> None:
        Exception.__init__(self, name)
        self.template = template
        self.missing = name
        self._neighbours = neighbours
        self._where = where
        self._position = position

    @cached_property
    def _place(self) -> tuple[int, int]:
        return locate(self.template, self._position)

    @property
    def line(self) -> int:  # type: ignore[override]
        """1-based line in the template."""
        return self._place[0]

    @property
    def column(self) -> int:  # type: ignore[override]
        """1-based column in the template."""
        return self._place[1]

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(sorted(str(name) for name in islice(self._neighbours, MAX_NEIGHBOURS)))

    @property
    def known(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names that were there instead."""
        return self._names[:MAX_KNOWN]

    @cached_property
    def message(self) -> str:  # type: ignore[override]
        """The whole sentence, with the name that was probably meant."""
        text = f"Unable to find '{self.missing}' used in the expression '{excerpt(self.template)}'"
        text += f" at line {self.line}, column {self.column}"
        if self._where:
            text += f": '{self._where}' has no '{self.missing}'"
        close = get_close_matches(self.missing or "", self._names, n=1)
        if close:
            text += f"; did you mean '{close[0]}'?"
        elif self._names:
            more = "" if len(self._names) <= MAX_KNOWN else ", …"
            text += f"; there is {', '.join(self.known)}{more}"
        return text

    def __str__(self) -> str:
        return self.message


class BudgetError(RenderError):
    """A template that would take more steps, text or depth than its budget allows."""


class NeedsWorld(Exception):
    """A function that only a worker can evaluate was reached; not an error of the template.

    Args:
        name: Name of the function, as in the language (`secret`, `kv`, `read` …).
        message: What a person reads, if it is no function's doing.
    """

    def __init__(self, name: str, message: str = "") -> None:
        super().__init__(message or f"{name}() can't be evaluated here; it needs the world outside the engine")
        self.name = name


class Failure(Exception):
    """Raised by filters, functions and operators, which don't know where they stand in a template."""


def quoted(text: str) -> str:
    """Return a value as messages show it: whole if it is short, else only its length.

    Never a part of it: what masks secrets in logs couldn't recognise a part.
    """
    return f"'{text}'" if len(text) <= MAX_QUOTED else f"a text of {len(text)} characters"


def locate(source: str, position: int) -> tuple[int, int]:
    """Return the 1-based line and column of an offset."""
    position = min(position, len(source))
    line = source.count("\n", 0, position) + 1
    return line, position - (source.rfind("\n", 0, position) + 1) + 1


def excerpt(source: str) -> str:
    """Return the template as a message quotes it: one line, shortened."""
    shown = " ".join(source.split())
    return shown if len(shown) <= MAX_SHOWN else shown[: MAX_SHOWN - 1] + "…"


def syntax_error(message: str, source: str, position: int) -> TemplateSyntaxError:
    """Return the error for a template that can't be parsed at this offset."""
    line, column = locate(source, position)
    text = f"{message} in the expression '{excerpt(source)}' at line {line}, column {column}"
    return TemplateSyntaxError(text, source, line, column)
