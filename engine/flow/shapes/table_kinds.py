"""The kinds of properties that the table of types knows, by the names that it has for them.

Owns the dynamic kinds: an expression may stand for each of them, so a value is only compared and stays as it was
written.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pydantic_core import PydanticCustomError

from engine.flow.cron import NICKNAMES
from engine.flow.shapes import fixed_kinds as fixed
from engine.flow.shapes.kinds import (
    JSON_LIST,
    TEMPLATE,
    Kind,
    Listed,
    Read,
    Schema,
    is_list,
    is_template,
    reference,
    refused,
    shown,
)
from engine.values import parse_duration_ms


def _dynamic(expected: str, agrees: Callable[[Any], bool]) -> Read:
    def read(value: Any) -> Any:
        if value is None or agrees(value) or is_template(value):
            return value
        raise refused(expected, value)

    return read


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value.strip().lower() in fixed.TRUTH)


def _is_whole(value: Any) -> bool:
    if isinstance(value, str):
        return fixed.WHOLE.fullmatch(value.strip()) is not None
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, float) and value.is_integer())


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and fixed.read_number(value) is not None
    except PydanticCustomError:
        return False


def _is_duration(value: Any) -> bool:
    try:
        return not isinstance(value, (bool, list, dict)) and parse_duration_ms(value) is not None
    except ValueError:
        return False


def _is_map(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.strip().startswith(("{", "[")))


def _is_labels(value: Any) -> bool:
    return isinstance(value, list) or _is_map(value)


_JSON_MAP: Schema = {"type": "string", "pattern": r"^\s*[{\[]"}


OF_TYPES: dict[str, Kind] = {
    "str": fixed.TEXT,
    "datetime": Kind(
        _dynamic("a date and time as text", lambda value: not isinstance(value, (list, dict))), fixed.TEXT.schema
    ),
    "bool": Kind(_dynamic("true or false", _is_bool), {"anyOf": [fixed.FLAG.schema, TEMPLATE]}, "dynamicBoolean"),
    "int": Kind(
        _dynamic("a whole number", _is_whole),
        {"anyOf": [{"type": ["integer", "null"]}, fixed.WHOLE_TEXT, TEMPLATE]},
        "dynamicInteger",
    ),
    "num": Kind(
        _dynamic("a number", _is_number),
        {"anyOf": [{"type": ["number", "null"]}, fixed.NUMBER_TEXT, TEMPLATE]},
        "dynamicNumber",
    ),
    "duration": Kind(
        _dynamic("a duration such as PT30S or a number of seconds", _is_duration),
        {"anyOf": [fixed.DURATION.schema, TEMPLATE]},
        "duration",
    ),
    "list": Kind(
        _dynamic("a list", is_list), {"anyOf": [{"type": ["array", "null"]}, JSON_LIST, TEMPLATE]}, "dynamicList"
    ),
    "map": Kind(
        _dynamic("a map", _is_map), {"anyOf": [{"type": ["object", "null"]}, _JSON_MAP, TEMPLATE]}, "dynamicMap"
    ),
    "labels": Kind(
        _dynamic("a map of labels", _is_labels), {"anyOf": [fixed.LABELS.schema, _JSON_MAP, TEMPLATE]}, "labels"
    ),
    "level": fixed.choice(fixed.LEVELS, dynamic=True),
    "states": Listed("a list", fixed.STATE, dynamic=True),
    "=states": fixed.STATES,
    "any": fixed.FREE,
    "cron": Kind(fixed.read_text, {**fixed.TEXT.schema, "examples": ["0 9 * * 1-5", *sorted(NICKNAMES)]}),
    "tasks": shown({"type": ["array", "null"], "items": reference("task")}, "tasks"),
    "task": shown({"anyOf": [reference("task"), {"type": "null"}]}),
    "dag": shown({"type": ["array", "null"], "items": reference("dagTask")}),
    "cases": shown({"type": ["object", "null"], "additionalProperties": reference("tasks")}),
    "runner": shown({"anyOf": [reference("runner"), {"type": "null"}, TEMPLATE]}),
    "=map": fixed.map_of(),
    "conditions": fixed.list_of("condition"),
    "namedConditions": Kind(
        fixed.read_map, {"type": ["object", "null"], "additionalProperties": reference("condition")}
    ),
    "inputs": fixed.list_of("input"),
    "loopOutputs": fixed.list_of("loopOutput"),
    "checkFrequency": fixed.map_of("checkFrequency"),
    "folderCache": fixed.map_of("folderCache"),
    "preconditions": fixed.map_of("preconditions"),
    "dependencies": fixed.list_of("dependency"),
    "window": fixed.map_of("window"),
}
"""Kinds by the names that the table of types has for them."""

BRANCHES = frozenset({"tasks", "task", "dag", "cases"})
"""Those that hold child tasks, which are checked one by one."""

_RANGE = re.compile(r"int\[(-?\d+)\.\.(-?\d+)?\]")


@lru_cache(maxsize=256)
def kind_named(written: str) -> Kind:
    """Return the kind that the table of types means.

    Args:
        written: A name of `OF_TYPES`; words of which one is wanted, `A|B`; or whole numbers, `int[0..]`. The last two
            may be expressions, unless a `=` stands before them.
    """
    known = OF_TYPES.get(written)
    if known is not None:
        return known
    static, meant = written.startswith("="), written.removeprefix("=")
    bounds = _RANGE.fullmatch(meant)
    if bounds is not None:
        return fixed.whole(int(bounds[1]), int(bounds[2]) if bounds[2] else fixed.MAX_INT, not static)
    assert "|" in meant, f"The table of types has no kind '{written}'"
    return fixed.choice(tuple(meant.split("|")), dynamic=not static)
