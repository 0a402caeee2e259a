"""Texts by Java's `String.format`: the conversions that people use, with bounded widths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engine.expression.errors import Failure
from engine.expression.filters.number_format import fixed, general, scientific, with_commas
from engine.expression.numbers import Long, is_number
from engine.expression.printing import java_text

if TYPE_CHECKING:
    from engine.expression.state import Run

MAX_WIDTH = 1000
_SPECIFIER = re.compile(r"%(\d{1,6}\$|<)?([-+ 0,(#]*)(\d{0,6})(?:\.(\d{1,6}))?([a-zA-Z%])")
_CONVERSIONS = frozenset("sSdoxXfeEgGbBcCn%")


def format_text(run: Run, template: str, arguments: tuple[Any, ...]) -> str:
    """Return the template with `%s`, `%5d`, `%.2f`, `%x`, `%,d`, `%b`, `%c`, `%e`, `%g`, `%2$s`, `%n`, `%%` filled in.

    Raises:
        Failure: If an argument is missing or of the wrong kind, or a width is above `MAX_WIDTH`.
    """
    out: list[str] = []
    at = following = 0
    last = -1
    while (found := template.find("%", at)) != -1:
        out.append(template[at:found])
        match = _SPECIFIER.match(template, found)
        if match is None or match[5] not in _CONVERSIONS:
            shown = match[0] if match is not None else template[found : found + 3]
            raise Failure(f"'{shown}' is no conversion")
        at = match.end()
        run.charge(1)
        which, flags, conversion = match[1], match[2], match[5]
        width = _bounded(match[3])
        if not width and ("-" in flags or "0" in flags):
            raise Failure(f"'{match[0]}' has no width")
        if conversion in "n%":
            text = "\n" if conversion == "n" else "%"
        else:
            if which is None:
                last, following = following, following + 1
            elif which != "<":
                last = int(which[:-1]) - 1
            if not 0 <= last < len(arguments):
                raise Failure(f"'{match[0]}' has no argument")
            precision = None if match[4] is None else _bounded(match[4])
            text = _converted(run, arguments[last], flags, precision, conversion, width)
        out.append(text.ljust(width) if "-" in flags else text.rjust(width))
        run.grow(sum(map(len, out[-2:])) + len(template))
    out.append(template[at:])
    run.grow(sum(map(len, out)))
    return "".join(out)


def _bounded(digits: str) -> int:
    value = int(digits or 0)
    if value > MAX_WIDTH:
        raise Failure(f"a width above {MAX_WIDTH}")
    return value


def _converted(run: Run, value: Any, flags: str, precision: int | None, conversion: str, width: int) -> str:
    small = conversion.lower()
    if small == "s":
        text = java_text(run, value)
    elif small == "b":
        text = "true" if value is not None and value is not False else "false"
    elif value is None:
        text = "null"
    elif small == "c":
        text = _character(value)
    elif not is_number(value):
        raise Failure(f"'%{conversion}' needs a number")
    else:
        text = _number(value, flags, precision, small, width)
        precision = None
    text = text if precision is None else text[:precision]
    return text.upper() if conversion.isupper() else text


def _character(value: Any) -> str:
    if isinstance(value, str) and len(value) == 1:
        return value
    if type(value) is int and 0 <= value < 0x110000:
        return chr(value)
    raise Failure("'%c' needs a text of one character")


def _number(value: Any, flags: str, precision: int | None, conversion: str, width: int) -> str:
    whole = isinstance(value, int)
    if whole != (conversion in "dox"):
        raise Failure(f"'%{conversion}' needs {'a number with a fraction' if whole else 'a whole number'}")
    if conversion == "d":
        text = str(abs(value))
    elif whole:
        bits = 64 if type(value) is Long else 32
        text = f"{value if value >= 0 else value + 2**bits:{'#' if '#' in flags else ''}{conversion}}"
        text = text.replace("0o", "0")
        return text.rjust(width, "0") if "0" in flags else text
    else:
        shape = {"f": fixed, "e": scientific, "g": general}[conversion]
        text = shape(value, 6 if precision is None else precision)
    if "," in flags:
        text = with_commas(text)
    return _signed(text, value < 0, flags if text[0].isdigit() else flags.replace("0", ""), width)


def _signed(text: str, negative: bool, flags: str, width: int) -> str:
    before = "-" if negative else "+" if "+" in flags else " " if " " in flags else ""
    after = ""
    if "(" in flags and negative:
        before, after = "(", ")"
    room = width - len(before) - len(after)
    return before + (text.rjust(room, "0") if "0" in flags else text) + after
