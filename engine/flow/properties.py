"""What the table of types says about the properties of one task, trigger, condition or runner.

Owns the comparison of a raw map with its type: unknown properties, missing ones, values of the wrong kind. The table
knows the core types completely, so there a contradiction is an error; other types live in plugins that move on without
us, so there it is a warning.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from functools import lru_cache, partial
from typing import Any

from engine.flow.fields import Raw, text
from engine.flow.problems import Path, Report, did_you_mean, kind_of
from engine.flow.types import ALIASES, CORE, TYPES, TypeInfo
from engine.values import parse_duration_ms

_COMPLETE = (CORE, "io.kestra.core.")
"""Prefixes below which an unknown type doesn't exist anywhere."""

_SURE_OF_REQUIRED = (CORE, "io.kestra.plugin.scripts.")
"""Prefixes of the types that can't do without what the table says they require."""

_EXPECTED = {
    "bool": "true or false",
    "int": "a whole number",
    "num": "a number",
    "duration": "a duration such as PT30S or a number of seconds",
    "list": "a list",
    "map": "a map",
    "labels": "a map of labels",
    "str": "a text",
    "datetime": "a date and time as text",
}


def read_type(report: Report, raw: Raw, path: Path, wanted: str) -> str:
    """Return the type as written, empty if there is none; report an unknown one, or one that is no `wanted`."""
    declared = text(report, raw, "type", path)
    if not declared:
        report.unsound = True
        if not isinstance(raw.get("type"), (list, dict)):
            report.error("required", f"'type' of a {wanted} must be set", path)
        return ""
    place: Path = (*path, "type")
    name = ALIASES.get(declared, declared)
    info = TYPES.get(name)
    if info is None:
        if declared.startswith(_COMPLETE) or "." not in declared:
            report.error("unknown-type", f"Invalid type: {declared}", place, partial(nearest_type, declared))
        else:
            message = f"Type {declared} is not known here: the flow can be stored, but this {wanted} will fail"
            report.warning("unknown-type", message, place, partial(nearest_type, declared))
    elif name.startswith(CORE) and not fits(info, wanted):
        report.error("unknown-type", f"Expected a {wanted}, but '{declared}' is a {info.kind}", place)
    if name != declared:
        report.info("deprecated-type", f"{declared} is replaced by {name}", place)
    elif info is not None and info.deprecated:
        report.info(
            "deprecated-type", f"{declared} is deprecated", place, f"Use {info.replacement}" if info.replacement else ""
        )
    return declared


def fits(info: TypeInfo, wanted: str) -> bool:
    """Return whether a type may stand where a `wanted` (task, trigger, condition, runner) is needed."""
    return {"task": info.is_task, "trigger": info.is_trigger}.get(wanted, info.kind == wanted)


_BY_LAST_WORD: dict[str, list[str]] = {}
for _name in (*TYPES, *ALIASES):
    _BY_LAST_WORD.setdefault(_name.rsplit(".", 1)[-1].lower(), []).append(_name)


@lru_cache(maxsize=512)
def nearest_type(declared: str) -> str:
    """Return a did-you-mean for a type: the name that ends alike and resembles it most, or an empty text."""
    package, _, last = declared.rpartition(".")
    words = set(declared.split("."))
    alike = _BY_LAST_WORD.get(last.lower(), [])
    if alike:
        best = max(alike, key=lambda name: (len(set(name.split(".")) & words), name in TYPES, -len(name)))
        if not package or best.startswith(_COMPLETE) or len(set(best.split(".")) & words) > _SHARED_BY_ALL:
            return f"Did you mean '{best}'?"
    siblings = {name.rpartition(".")[2]: name for name in TYPES if name.rpartition(".")[0] == package}
    near = get_close_matches(last, siblings, n=1) if len(last) <= _LONGEST_WORD else []
    return f"Did you mean '{siblings[near[0]]}'?" if near else ""


_SHARED_BY_ALL = 3
"""Words that even unrelated types have in common: io, kestra and the last one, which is why they are compared."""
_LONGEST_WORD = 100


def check_properties(report: Report, raw: Raw, path: Path, name: str, info: TypeInfo, common: Collection[str]) -> None:
    """Compare the properties of `raw` with its type; `common` are those that all of its kind share."""
    complete = name.startswith(CORE)
    sure = name.startswith(_SURE_OF_REQUIRED)
    report_it = report.error if complete else report.warning
    for key, value in raw.items():
        if key in common:
            continue
        known = info.properties.get(key)
        if known is None:
            if complete or info.properties:
                report_it(
                    "unknown-property",
                    f"Unknown property '{key}' of type {name}",
                    (*path, key),
                    partial(_known_properties, key, info, common),
                )
        elif value is not None and not _agrees(known.kind, value):
            expected = _EXPECTED.get(known.kind, known.kind)
            report_it("type-mismatch", f"Expected {expected}, but found {kind_of(value)}", (*path, key))
    for key in info.required:
        value = raw.get(key)
        if value is None or (key in info.branches and not value):
            empty = "cannot be empty" if key in info.branches else "must be set"
            place: Path = (*path, key) if key in raw else path
            (report.error if sure else report.warning)("required", f"the '{key}' property {empty}", place)


def _known_properties(key: str, info: TypeInfo, common: Collection[str]) -> str:
    own = sorted(info.properties)
    return did_you_mean(key, (*common, *own)) or f"Known besides the common ones are: {', '.join(own) or '(none)'}"


def _agrees(kind: str, value: Any) -> bool:
    """Return whether a value may become what its property wants; an expression may become anything."""
    if isinstance(value, str):
        return "{{" in value or "{%" in value or _text_agrees(kind, value.strip())
    if kind == "str" or kind == "datetime":
        return not isinstance(value, (list, dict))
    if kind == "bool":
        return isinstance(value, bool)
    if kind in ("int", "num", "duration"):
        return (
            isinstance(value, (int, float)) and not isinstance(value, bool) and (kind != "int" or value == int(value))
        )
    if kind == "list":
        return isinstance(value, list)
    if kind in ("map", "labels"):
        return isinstance(value, dict) or (kind == "labels" and isinstance(value, list))
    return True


def _text_agrees(kind: str, value: str) -> bool:
    if kind == "bool":
        return value.lower() in ("true", "false")
    if kind == "int":
        return value.lstrip("+-").isdigit()
    if kind in ("num", "duration"):
        try:
            return parse_duration_ms(value) is not None
        except ValueError:
            return False
    if kind == "list":
        return value.startswith("[")
    if kind in ("map", "labels"):
        return value.startswith(("{", "["))
    return True
