"""jq functions on texts, patterns and dates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from engine.expression import patterns
from engine.expression.dates.moment import EPOCH
from engine.expression.dates.reading import read
from engine.expression.errors import Failure, quoted
from engine.expression.jq import syntax as s
from engine.expression.jq.functions import array_of, builtin
from engine.expression.jq.machine import Builtin, Item, Machine, Results, Scope, made
from engine.expression.jq.values import JqError, is_number, kind, number, shown
from engine.expression.printing import to_json

if TYPE_CHECKING:
    from engine.expression.state import Run

TEXTS: dict[str, Builtin] = {}
"""Functions by `name/arity`."""

F = TypeVar("F", bound=Callable[..., Any])


def _declare(*keys: str) -> Callable[[F], F]:
    def declare(function: F) -> F:
        for key in keys:
            TEXTS[key] = builtin(function, int(key.rpartition("/")[2]))
        return function

    return declare


def _text(run: Run, value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise JqError(f"{kind(value)} ({shown(run, value)}) {what}")
    run.charge(len(value) >> 8)
    return value


@_declare("utf8bytelength/0")
def _utf8_length(run: Run, value: Any) -> Any:
    return len(_text(run, value, "only strings have UTF-8 byte length").encode("utf-8", "surrogatepass"))


@_declare("startswith/1")
def _startswith(run: Run, value: Any, prefix: Any) -> Any:
    message = "startswith() requires string inputs"
    return _text(run, value, message).startswith(_text(run, prefix, message))


@_declare("endswith/1")
def _endswith(run: Run, value: Any, suffix: Any) -> Any:
    message = "endswith() requires string inputs"
    return _text(run, value, message).endswith(_text(run, suffix, message))


@_declare("ltrimstr/1")
def _ltrimstr(run: Run, value: Any, prefix: Any) -> Any:
    return value.removeprefix(prefix) if isinstance(value, str) and isinstance(prefix, str) else value


@_declare("rtrimstr/1")
def _rtrimstr(run: Run, value: Any, suffix: Any) -> Any:
    return value.removesuffix(suffix) if isinstance(value, str) and isinstance(suffix, str) else value


def _change(name: str, function: Callable[[str], str]) -> None:
    @_declare(f"{name}/0")
    def apply(run: Run, value: Any) -> Any:
        return function(_text(run, value, f"{name} input must be a string"))


_change("trim", str.strip)
_change("ltrim", str.lstrip)
_change("rtrim", str.rstrip)
_change("ascii_downcase", lambda text: "".join(c.lower() if c.isascii() else c for c in text))
_change("ascii_upcase", lambda text: "".join(c.upper() if c.isascii() else c for c in text))


@_declare("explode/0")
def _explode(run: Run, value: Any) -> Any:
    run.fill(len(_text(run, value, "cannot be exploded")))
    return [ord(character) for character in value]


@_declare("implode/0")
def _implode(run: Run, value: Any) -> Any:
    codes = array_of(run, value, "cannot be imploded")
    run.grow(len(codes) * 4)
    if not all(isinstance(code, int) and 0 <= code < 0x110000 and not 0xD800 <= code < 0xE000 for code in codes):
        raise JqError("Unicode codepoint must be numeric")
    return "".join(map(chr, codes))


@_declare("join/1")
def _join(run: Run, value: Any, separator: Any) -> Any:
    glue = _text(run, separator, "cannot be the separator of join")
    texts: list[str] = []
    for each in array_of(run, value, "cannot be joined"):
        if isinstance(each, (list, dict)):
            raise JqError(f"{kind(each)} ({shown(run, each)}) cannot be joined")
        texts.append("" if each is None else each if isinstance(each, str) else to_json(run, each))
    run.grow(sum(map(len, texts)) + len(glue) * len(texts))
    return glue.join(texts)


@_declare("split/1")
def _split(run: Run, value: Any, separator: Any) -> Any:
    message = "split input and separator must be strings"
    text, cut = _text(run, value, message), _text(run, separator, message)
    run.fill(len(text))
    if not text:
        return []
    return text.split(cut) if cut else list(text)


# -- patterns


def _pattern(run: Run, pattern: Any, flags: Any) -> tuple[str, bool]:
    """Return a pattern with its flags written into it, and whether all matches are wanted."""
    if isinstance(pattern, list):
        pattern, flags = (*pattern, None)[:2]
    text = _text(run, pattern, "cannot be matched, as it is not a string")
    letters = "" if flags is None else _text(run, flags, "is not a string of flags")
    if any(letter not in "gimnpslx" for letter in letters):
        raise JqError(f"{letters} is not a valid modifier string")
    inline = "".join(sorted({"i": "i", "x": "x", "s": "s", "p": "s"}[c] for c in set(letters) if c in "ixsp"))
    return (f"(?{inline})" if inline else "") + text, "g" in letters


def _matches(run: Run, value: Any, pattern: Any, flags: Any, everything: bool = False) -> list[Any]:
    text = _text(run, value, "cannot be matched, as it is not a string")
    source, many = _pattern(run, pattern, flags)
    try:
        return patterns.find(run, source, text, None if many or everything else 1)
    except Failure as failure:
        raise JqError(str(failure)) from None


def _captured(match: Any) -> list[dict[str, Any]]:
    names = {index: name for name, index in match.re.groupindex.items()}
    return [
        {
            "offset": match.start(index),
            "length": match.end(index) - match.start(index) if match[index] is not None else 0,
            "string": match[index],
            "name": names.get(index),
        }
        for index in range(1, match.re.groups + 1)
    ]


@_declare("test/1", "test/2")
def _test(run: Run, value: Any, pattern: Any, flags: Any = None) -> Any:
    return bool(_matches(run, value, pattern, flags))


def _several(key: str, function: Callable[..., list[Any]]) -> None:
    """Declare a function that gives one result per match."""

    def apply(machine: Machine, scope: Scope, arguments: tuple[s.Node, ...], item: Item) -> Results:
        for pattern in machine.values(arguments[0], scope, item[0]):
            for flags in machine.values(arguments[1], scope, item[0]) if len(arguments) > 1 else (None,):
                for result in function(machine.run, item[0], pattern, flags):
                    yield made(item, result)

    TEXTS[key] = apply


def _match(run: Run, value: Any, pattern: Any, flags: Any) -> list[Any]:
    return [
        {"offset": m.start(), "length": m.end() - m.start(), "string": m[0], "captures": _captured(m)}
        for m in _matches(run, value, pattern, flags)
    ]


def _named(match: Any) -> dict[str, Any]:
    return {name: match[name] for name in match.re.groupindex}


def _capture(run: Run, value: Any, pattern: Any, flags: Any) -> list[Any]:
    return [_named(match) for match in _matches(run, value, pattern, flags)]


def _scan(run: Run, value: Any, pattern: Any, flags: Any) -> list[Any]:
    found = _matches(run, value, pattern, flags, everything=True)
    return [list(match.groups()) if match.re.groups else match[0] for match in found]


for _arity in ("1", "2"):
    _several(f"match/{_arity}", _match)
    _several(f"capture/{_arity}", _capture)
    _several(f"scan/{_arity}", _scan)


@_declare("split/2")
def _split_by_pattern(run: Run, value: Any, pattern: Any, flags: Any) -> Any:
    at, out = 0, []
    for match in _matches(run, value, pattern, flags, everything=True):
        out.append(value[at : match.start()])
        at = match.end()
    return [*out, value[at:]]


def _substitution(key: str, everything: bool) -> None:
    def apply(machine: Machine, scope: Scope, arguments: tuple[s.Node, ...], item: Item) -> Results:
        run, value = machine.run, item[0]
        for pattern in machine.values(arguments[0], scope, value):
            for flags in machine.values(arguments[2], scope, value) if len(arguments) > 2 else (None,):
                at, out = 0, ""
                for match in _matches(run, value, pattern, flags, everything):
                    new = next(machine.values(arguments[1], scope, _named(match)), "")
                    text = _text(run, new, "cannot be added to a string")
                    run.grow(len(out) + match.start() - at + len(text))
                    out += value[at : match.start()] + text
                    at = match.end()
                run.grow(len(out) + len(value) - at)
                yield made(item, out + value[at:])

    TEXTS[key] = apply


for _key, _all in (("sub/2", False), ("sub/3", False), ("gsub/2", True), ("gsub/3", True)):
    _substitution(_key, _all)


# -- dates


@_declare("now/0")
def _now(run: Run, value: Any) -> Any:
    return number(run.scope.now_ms / 1000)


def _broken(seconds: float) -> list[Any]:
    try:
        at = EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError):
        raise JqError("a date outside the years 1 to 9999") from None
    fraction = number(at.second + at.microsecond / 1_000_000)
    weekday, yearday = at.isoweekday() % 7, at.timetuple().tm_yday - 1
    return [at.year, at.month - 1, at.day, at.hour, at.minute, fraction, weekday, yearday]


@_declare("gmtime/0", "localtime/0")
def _gmtime(run: Run, value: Any) -> Any:
    if not is_number(value):
        raise JqError("gmtime() requires a number")
    return _broken(value)


def _whole(value: Any) -> datetime:
    parts = _broken(value) if is_number(value) else value
    if not isinstance(parts, list) or len(parts) < 6 or not all(map(is_number, parts[:6])):
        raise JqError("requires parsed datetime inputs")
    try:
        year, month, day, hour, minute, second = (int(part) for part in parts[:6])
        return datetime(year, month + 1, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise JqError("invalid gmtime representation") from None


@_declare("mktime/0")
def _mktime(run: Run, value: Any) -> Any:
    return int(_whole(value).timestamp())


@_declare("strftime/1", "strflocaltime/1")
def _strftime(run: Run, value: Any, pattern: Any) -> Any:
    text = _text(run, pattern, "strftime/1 requires a string format")
    if len(text) > 200:
        raise Failure("jq: a date format of more than 200 characters")
    return _whole(value).strftime(text.replace("%Z", "UTC").replace("%z", "+0000"))


@_declare("strptime/1")
def _strptime(run: Run, value: Any, pattern: Any) -> Any:
    text, layout = _text(run, value, "strptime/1 requires string inputs"), _text(run, pattern, "is no format")
    try:
        return _broken(datetime.strptime(text[:100], layout[:200]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise JqError(f"date {quoted(text)} does not match format {quoted(layout)}") from None


@_declare("fromdateiso8601/0")
def _from_iso(run: Run, value: Any) -> Any:
    try:
        return read(_text(run, value, "is no date"), None, "UTC").seconds
    except Failure as failure:
        raise JqError(str(failure)) from None
