"""Filters on texts: case, cutting, padding, replacing."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from engine.expression import patterns
from engine.expression.errors import Failure
from engine.expression.methods import replace_all
from engine.expression.numbers import is_number
from engine.expression.printing import java_text
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FILTERS = Registry()


def text_of(value: Any) -> str:
    """Return the value if it is a text.

    Raises:
        Failure: If it is anything else.
    """
    if not isinstance(value, str):
        raise Failure(f"expected a text, but got {'null' if value is None else 'a ' + type(value).__name__}")
    return value


def whole_of(value: Any, what: str) -> int:
    """Return the value if it is a whole number.

    Raises:
        Failure: If it is anything else; says `what` was expected to be one.
    """
    if not is_number(value) or not isinstance(value, int):
        raise Failure(f"'{what}' must be a whole number")
    return int(value)


def _simple(name: str, function: Callable[[str], str], convert: bool = False, slow: bool = False) -> None:
    """Declare a filter that turns one text into another of about the same size; null stays null.

    `slow` is for functions that go through the text one character at a time.
    """

    def apply(run: Run, value: Any) -> Any:
        if value is None:
            return None
        text = java_text(run, value) if convert else text_of(value)
        run.grow(len(text) * 2)
        run.charge(len(text) >> 2 if slow else 0)
        return function(text)

    FILTERS.add(name)(apply)


def _capitalized(text: str) -> str:
    start = len(text) - len(text.lstrip())
    return text[:start] + text[start : start + 1].title() + text[start + 1 :]


def _titled(text: str) -> str:
    out: list[str] = []
    fresh = True
    for character in text:
        out.append(character.title() if fresh and not character.isspace() else character)
        fresh = character.isspace()
    return "".join(out)


def _slug(text: str) -> str:
    dashed = "".join("-" if character in " \t\n\x0b\f\r" else character for character in text)
    plain = unicodedata.normalize("NFD", dashed)
    kept = "".join(c for c in plain if c == "-" or c == "_" or (c.isascii() and c.isalnum())).replace("_", "-")
    return "-".join(part for part in kept.split("-") if part).lower()


_simple("upper", str.upper, convert=True)
_simple("lower", str.lower, convert=True)
_simple("capitalize", _capitalized)
_simple("title", _titled, slow=True)
_simple("trim", lambda text: text.strip("".join(map(chr, range(33)))))
_simple("slugify", _slug, convert=True, slow=True)
_simple("nl2br", lambda text: text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "<br />"))


@FILTERS.add("default", "default", required=1)
def _default(run: Run, value: Any, default: Any) -> Any:
    raise AssertionError("operations.default evaluates it")


@FILTERS.add("string")
def _string(run: Run, value: Any) -> Any:
    return None if value is None else java_text(run, value)


@FILTERS.add("abbreviate", "length", required=1)
def _abbreviate(run: Run, value: Any, length: Any) -> Any:
    if value is None:
        return None
    text, most = text_of(value), whole_of(length, "length")
    if most < 0:
        raise Failure("'length' must not be negative")
    if len(text) < most or len(text) <= 3:
        return text
    return text[:most] if most <= 3 else text[: most - 3] + "..."


def _separated(name: str, cut: Callable[[str, str], str]) -> None:
    @FILTERS.add(name, "separator", required=1)
    def apply(run: Run, value: Any, separator: Any) -> Any:
        return None if value is None else cut(java_text(run, value), java_text(run, separator))


_separated("substringBefore", lambda text, cut: text.split(cut, 1)[0] if cut else "")
_separated("substringBeforeLast", lambda text, cut: text.rsplit(cut, 1)[0] if cut else text)
_separated("substringAfter", lambda text, cut: text if not cut else text.partition(cut)[2])
_separated("substringAfterLast", lambda text, cut: text.rpartition(cut)[2] if cut and cut in text else "")


def _some_text(run: Run, value: Any) -> str:
    if value is None:
        raise Failure("expected a text, but got null")
    return java_text(run, value)


@FILTERS.add("startsWith", "value", required=1)
def _starts_with(run: Run, value: Any, prefix: Any) -> bool:
    return _some_text(run, value).startswith(java_text(run, prefix))


@FILTERS.add("endsWith", "value", required=1)
def _ends_with(run: Run, value: Any, suffix: Any) -> bool:
    return _some_text(run, value).endswith(java_text(run, suffix))


def _everywhere(run: Run, value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    """Return the value with every text in it changed; other scalars become texts."""
    run.charge(1)
    if depth > 60:
        raise Failure("maps and lists nested deeper than 60")
    if isinstance(value, Mapping):
        return {key: _everywhere(run, each, change, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_everywhere(run, each, change, depth + 1) for each in value]
    return change(java_text(run, value))


@FILTERS.add("replace", "replace_pairs", "regexp", required=1)
def _replace(run: Run, value: Any, pairs: Any, regexp: Any = None) -> Any:
    if value is None:
        return None
    if not isinstance(pairs, Mapping):
        raise Failure("expected a map of what to replace, such as {'a': 'b'}")

    def change(text: str) -> str:
        for old, new in pairs.items():
            if regexp is True:
                text = patterns.replace(run, java_text(run, old), java_text(run, new), text)
            else:
                text = replace_all(run, text, java_text(run, old), java_text(run, new))
        return text

    return _everywhere(run, value, change)


_ESCAPES = {"single": ("'", "\\'"), "double": ('"', '\\"'), "shell": ("'", "'\\''")}


@FILTERS.add("escapeChar", "type", required=1)
def _escape_char(run: Run, value: Any, kind: Any) -> Any:
    if value is None:
        return None
    if not isinstance(kind, str) or kind.lower() not in _ESCAPES:
        raise Failure("'type' must be 'single', 'double' or 'shell'")
    old, new = _ESCAPES[kind.lower()]
    return _everywhere(run, value, lambda text: replace_all(run, text, old, new))


def _indented(run: Run, value: Any, amount: Any, prefix: Any, with_line: bool) -> Any:
    if value is None:
        return None
    text = java_text(run, value)
    if not text:
        return text
    times = whole_of(amount, "amount")
    unit = " " if prefix is None else text_of(prefix)
    if times < 0:
        raise Failure("'amount' must not be negative")
    line = next((each for each in ("\r\n", "\n\r", "\n", "\r") if each in text), "\n")
    run.grow(times * len(unit))
    return replace_all(run, line + text if with_line else text, line, line + unit * times)


@FILTERS.add("indent", "amount", "prefix", required=1)
def _indent(run: Run, value: Any, amount: Any, prefix: Any = None) -> Any:
    return _indented(run, value, amount, prefix, False)


@FILTERS.add("nindent", "amount", "prefix", required=1)
def _nindent(run: Run, value: Any, amount: Any, prefix: Any = None) -> Any:
    return _indented(run, value, amount, prefix, True)


@FILTERS.add("split", "delimiter", "limit", required=1)
def _split(run: Run, value: Any, delimiter: Any, limit: Any = None) -> Any:
    if value is None:
        return None
    most = None if limit is None else whole_of(limit, "limit")
    return patterns.split(run, text_of(delimiter), text_of(value), most)


@FILTERS.add("regexMatch", "regex", required=1)
def _regex_match(run: Run, value: Any, pattern: Any) -> Any:
    return value is not None and patterns.search(run, text_of(pattern), java_text(run, value)) is not None


@FILTERS.add("regexReplace", "regex", "replacement", required=2)
def _regex_replace(run: Run, value: Any, pattern: Any, replacement: Any) -> Any:
    if value is None:
        return None
    return patterns.replace(run, text_of(pattern), text_of(replacement), java_text(run, value))


@FILTERS.add("regexExtract", "regex", "group", required=1)
def _regex_extract(run: Run, value: Any, pattern: Any, group: Any = None) -> Any:
    if value is None:
        return None
    number = 0 if group is None else whole_of(group, "group")
    match = patterns.search(run, text_of(pattern), java_text(run, value))
    if number < 0 or (match is not None and number > len(match.groups())):
        raise Failure(f"the pattern has no group {number}")
    return None if match is None else match[number]
