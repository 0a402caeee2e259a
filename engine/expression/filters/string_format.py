"""Texts by Java's `String.format`: the conversions that people use, with bounded widths."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from engine.expression.equality import to_double
from engine.expression.errors import Failure
from engine.expression.numbers import is_number
from engine.expression.printing import java_text

if TYPE_CHECKING:
    from engine.expression.state import Run

MAX_WIDTH = 1000
FLAGS = "-+ 0,(#"


def format_text(run: Run, template: str, arguments: tuple[Any, ...]) -> str:
    """Return the template with `%s`, `%5d`, `%.2f`, `%x`, `%,d`, `%b`, `%c`, `%e`, `%n`, `%%` filled in.

    Raises:
        Failure: If an argument is missing or of the wrong kind, or a width is above `MAX_WIDTH`.
    """
    out: list[str] = []
    at = index = 0
    while (found := template.find("%", at)) != -1:
        out.append(template[at:found])
        flags, width, precision, conversion, at = _specifier(template, found + 1)
        run.charge(1)
        if conversion in "n%":
            out.append("\n" if conversion == "n" else "%".rjust(width))
            continue
        if index >= len(arguments):
            raise Failure(f"'%{conversion}' has no argument")
        text = _converted(run, arguments[index], flags, precision, conversion, width)
        index += 1
        out.append(text.ljust(width) if "-" in flags else text.rjust(width))
        run.grow(sum(map(len, out[-2:])) + len(template))
    out.append(template[at:])
    run.grow(sum(map(len, out)))
    return "".join(out)


def _specifier(template: str, at: int) -> tuple[str, int, int | None, str, int]:
    def number(start: int) -> tuple[int, int]:
        end = start
        while end < len(template) and template[end] in "0123456789" and end - start < 6:
            end += 1
        value = int(template[start:end] or 0)
        if value > MAX_WIDTH:
            raise Failure(f"a width above {MAX_WIDTH}")
        return value, end

    start = at
    while at < len(template) and template[at] in FLAGS:
        at += 1
    flags = template[start:at]
    width, at = number(at)
    precision: int | None = None
    if template.startswith(".", at):
        precision, at = number(at + 1)
    if at >= len(template) or template[at] not in "sSdfxXbBceEn%":
        raise Failure(f"'%{template[start : at + 1]}' is no conversion")
    return flags, width, precision, template[at], at + 1


def _converted(run: Run, value: Any, flags: str, precision: int | None, conversion: str, width: int) -> str:
    if conversion in "sS":
        text = java_text(run, value)
        text = text if precision is None else text[:precision]
        return text.upper() if conversion == "S" else text
    if conversion in "bB":
        text = "true" if value is not None and value is not False else "false"
        return text.upper() if conversion == "B" else text
    if conversion == "c":
        if not isinstance(value, str) or len(value) != 1:
            raise Failure("'%c' needs a text of one character")
        return value
    if value is None:
        return "null"
    if not is_number(value):
        raise Failure(f"'%{conversion}' needs a number")
    if conversion in "dxX":
        if not isinstance(value, int):
            raise Failure(f"'%{conversion}' needs a whole number")
        if conversion == "d":
            return _signed(f"{abs(value):{',' if ',' in flags else ''}d}", value < 0, flags, width)
        text = f"{value if value >= 0 else value + 2**64:x}"
        return text.upper() if conversion == "X" else text
    number = value if isinstance(value, Decimal) else to_double(value)
    places = 6 if precision is None else precision
    style = ("," if "," in flags else "") + f".{places}{conversion}"
    return _signed(f"{abs(number):{style}}", number < 0, flags, width)


def _signed(text: str, negative: bool, flags: str, width: int) -> str:
    sign = "-" if negative else "+" if "+" in flags else " " if " " in flags else ""
    if "(" in flags and negative:
        return f"({text})"
    return sign + (text.rjust(width - len(sign), "0") if "0" in flags else text)
