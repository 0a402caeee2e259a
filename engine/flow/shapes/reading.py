"""Raw maps to models, and what is wrong with them to problems.

Owns the words of those problems. What the table of types says about a map is compared in `engine/flow/properties.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from engine.flow.problems import Hint, Path, Report, did_you_mean, kind_of
from engine.flow.shapes.parts import Part, kinds_of

P = TypeVar("P", bound=Part)


class Finding(NamedTuple):
    """What pydantic complains about; `rule` is that of the problem, `place` leads there from the map."""

    rule: str
    place: Path
    said: str
    hint: Hint
    missing: bool


def findings(error: ValidationError) -> Iterator[Finding]:
    """Yield the complaints of pydantic in our words; those about missing and unknown properties have none yet."""
    for each in error.errors(include_url=False, include_input=False):
        kind, place = each["type"], each["loc"]
        if kind == "missing":
            yield Finding("required", place, "", "", True)
        elif kind == "extra_forbidden":
            yield Finding("unknown-property", place, "", "", False)
        else:
            context = each.get("ctx", {})
            # Kinds say everything themselves; a plain message can only come from a text that is no Unicode.
            rule = kind if "said" in context else "type-mismatch"
            yield Finding(rule, place, context.get("said", each["msg"]), context.get("hint", ""), False)


def read_part(report: Report, part: type[P], raw: Mapping[str, Any], path: Path) -> P:
    """Return a map as its model; what is wrong is reported, and taken as if it weren't set."""
    try:
        return part.model_validate(raw)
    except ValidationError as error:
        wrong = set()
        for found in findings(error):
            wrong.add(found.place[0] if found.place else "")
            _report(report, part, raw, found, path)
        sound = {key: raw[key] for key in kinds_of(part) if key in raw and key not in wrong}
        return part.model_validate({**dict.fromkeys(part.elsewhere), **part.stand_ins, **sound})


def read_parts(report: Report, part: type[P], raw: Any, path: Path) -> Iterator[tuple[P, Path]]:
    """Yield the items of a list as models, each with its path; what is no map is reported."""
    for index, item in enumerate(raw if isinstance(raw, list) else ()):
        here: Path = (*path, index)
        if isinstance(item, dict):
            yield read_part(report, part, item, here), here
        else:
            report.error("type-mismatch", f"Expected {part.what} (a map), but found {kind_of(item)}", here)


def _report(report: Report, part: type[Part], raw: Mapping[str, Any], found: Finding, path: Path) -> None:
    key = str(found.place[0]) if found.place else ""
    if found.rule == "unknown-property":
        unknown_key(report, key, kinds_of(part), path, part.what + part.variant)
    elif found.rule != "required":
        report.error(found.rule, found.said, (*path, *found.place), found.hint)
    elif not (found.missing and key in part.elsewhere):
        if raw.get(key) is None:
            words = kinds_of(part)[key].words
            hint = f"Use {', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else ""
            report.error("required", f"'{key}' of {part.what} must be set", path, hint)
        else:
            report.error("required", f"the '{key}' property cannot be empty", (*path, key))


def unknown_key(report: Report, key: str, known: Collection[str], path: Path, what: str) -> None:
    """Complain about a key that isn't among those that are known, with the one that was probably meant."""
    report.error("unknown-property", f"Unknown property '{key}' of {what}", (*path, key), partial(_meant, key, known))


def _meant(key: str, known: Collection[str]) -> str:
    return did_you_mean(key, sorted(known)) or f"Known are: {', '.join(sorted(known))}"
