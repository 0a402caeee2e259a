"""What a template can fail with, in words for the person who wrote the flow.

Owns the exceptions and the wording of "missing" messages. What becomes of the execution is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_KNOWN = 20
"""How many neighbouring names an error carries; more would bury the answer."""

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
    """A name or attribute that isn't there; `??`, `is defined` and `default` swallow exactly this."""


class BudgetError(RenderError):
    """A template that would take more steps, text or depth than its budget allows."""


class NeedsWorld(Exception):
    """A function that only a worker can evaluate was reached; not an error of the template.

    Args:
        name: Name of the function, as in the language (`secret`, `kv`, `read` …).
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}() can't be evaluated here; it needs the world outside the engine")
        self.name = name


class Failure(Exception):
    """Raised by filters, functions and operators, which don't know where they stand in a template."""


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


def missing_error(name: str, known: Iterable[str], where: str, source: str, position: int) -> MissingError:
    """Return the error for a name that isn't there.

    Args:
        name: What was looked up.
        known: Names that are there.
        where: What the name was looked up in (`outputs.first`), empty for the top level.
        source: The template.
        position: Offset of the name in it.
    """
    line, column = locate(source, position)
    names = tuple(sorted(known))
    close = get_close_matches(name, names, n=1) if len(names) <= 1000 else []
    text = f"Unable to find '{name}' used in the expression '{excerpt(source)}' at line {line}"
    if where:
        text += f": '{where}' has no '{name}'"
    if close:
        text += f"; did you mean '{close[0]}'?"
    elif names:
        more = "" if len(names) <= MAX_KNOWN else ", …"
        text += f"; there is {', '.join(names[:MAX_KNOWN])}{more}"
    return MissingError(text, source, line, column, name, names[:MAX_KNOWN])
