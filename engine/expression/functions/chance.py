"""Functions that give the time or something random; both come from the scope, so a repeated render repeats them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.expression.dates.moment import moment_at
from engine.expression.dates.writing import write
from engine.expression.errors import Failure
from engine.expression.filters.texts import text_of
from engine.expression.numbers import is_number
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FUNCTIONS = Registry()

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KSUID_EPOCH = 1_400_000_000
MAX_ID = 1000


def _base62(value: int, length: int) -> str:
    out = ""
    while value or len(out) < length:
        value, digit = divmod(value, 62)
        out = BASE62[digit] + out
    return out


@FUNCTIONS.add("now", "format", "timeZone", "existingFormat", "locale")
def _now(run: Run, format_: Any = None, zone: Any = None, existing: Any = None, locale: Any = None) -> str:
    region = run.scope.time_zone if zone is None else text_of(zone)
    ms = run.scope.now_ms
    moment = moment_at(ms // 1000, ms % 1000 * 1_000_000, region)
    return write(moment, "iso" if format_ is None else text_of(format_), None if locale is None else text_of(locale))


@FUNCTIONS.add("uuid")
def _uuid(run: Run) -> str:
    """Return a UUID of version 7: ordered by time."""
    random = run.chance("uuid")
    value = (run.scope.now_ms & (2**48 - 1)) << 80 | 7 << 76 | (random >> 128 & 0xFFF) << 64
    value |= 0b10 << 62 | random & (2**62 - 1)
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


@FUNCTIONS.add("id")
def _id(run: Run) -> str:
    return _base62(run.chance("id") >> 128, 21)


@FUNCTIONS.add("ksuid")
def _ksuid(run: Run) -> str:
    seconds = max(0, run.scope.now_ms // 1000 - KSUID_EPOCH) & 0xFFFFFFFF
    return _base62(seconds << 128 | run.chance("ksuid") >> 128, 27)


@FUNCTIONS.add("nanoId", "length", "alphabet")
def _nano_id(run: Run, length: Any = None, alphabet: Any = None) -> str:
    count = 21 if length is None else length
    letters = BASE62 + "-_" if alphabet is None else text_of(alphabet)
    if not is_number(count) or not isinstance(count, int) or not 0 <= count <= MAX_ID:
        raise Failure(f"'length' must be a whole number from 0 to {MAX_ID}")
    if not letters:
        raise Failure("'alphabet' must not be empty")
    out: list[str] = []
    pool = 0
    for index in range(int(count)):
        if index % 16 == 0:
            run.charge(1)
            pool = run.chance("nanoId")
        # 16 bits for each letter keep the bias of the remainder below a thousandth for any alphabet people use.
        pool, bits = divmod(pool, 65536)
        out.append(letters[bits % len(letters)])
    return "".join(out)


@FUNCTIONS.add("randomInt", "lower", "upper", required=2)
def _random_int(run: Run, lower: Any, upper: Any) -> int:
    for name, value in (("lower", lower), ("upper", upper)):
        if not is_number(value) or not isinstance(value, int):
            raise Failure(f"'{name}' must be a whole number")
    if upper < lower:
        raise Failure("'upper' must not be below 'lower'")
    if upper == lower:
        return int(lower)
    return int(lower) + run.chance("randomInt") % (int(upper) - int(lower))
