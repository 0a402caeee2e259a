"""What the table of types says about the properties of one task, trigger, condition or runner.

Owns the comparison of a raw map with the model of its type: unknown properties, missing ones, values of the wrong kind.
The table knows the core types completely, so there a contradiction is an error; other types live in plugins that move
on without us, so there it is a warning.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from functools import lru_cache, partial

from pydantic import ValidationError

from engine.flow.fields import Raw, text
from engine.flow.problems import Path, Report, did_you_mean
from engine.flow.shapes.reading import findings
from engine.flow.shapes.typed import validator_of
from engine.flow.types import ALIASES, CORE, TYPES, TypeInfo

_COMPLETE = (CORE, "io.kestra.core.")
"""Prefixes below which an unknown type doesn't exist anywhere."""

_SURE_OF_REQUIRED = (CORE, "io.kestra.plugin.scripts.")
"""Prefixes of the types that can't do without what the table says they require."""


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
    """Compare the properties of `raw` with the model of its type; `common` are those that all of its kind share."""
    try:
        validator_of(name)({key: value for key, value in raw.items() if key not in common})
    except ValidationError as error:
        report_it = report.error if name.startswith(CORE) else report.warning
        for found in findings(error):
            key = str(found.place[0]) if found.place else ""
            if found.rule == "unknown-property":
                report_it(
                    found.rule,
                    f"Unknown property '{key}' of type {name}",
                    (*path, key),
                    partial(_known_properties, key, info, common),
                )
            elif found.rule == "required":
                said = f"the '{key}' property {'cannot be empty' if key in info.branches else 'must be set'}"
                sure = report.error if name.startswith(_SURE_OF_REQUIRED) else report.warning
                sure(found.rule, said, path if found.missing else (*path, key))
            else:
                report_it(found.rule, found.said, (*path, *found.place), found.hint)


def _known_properties(key: str, info: TypeInfo, common: Collection[str]) -> str:
    own = sorted(info.properties)
    return did_you_mean(key, (*common, *own)) or f"Known besides the common ones are: {', '.join(own) or '(none)'}"
