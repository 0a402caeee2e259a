"""What the templates of a flow read, held against what the flow has.

Owns the walk over every text of a flow. All but one of these are warnings, since a template may guard what it reads
(`inputs.x ?? 'none'`): the exception is an id with a dash behind a dot, which always means something else than it says.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

import msgspec

from engine.flow.model import Flow, Task, Trigger
from engine.flow.problems import Path, Report, did_you_mean
from engine.flow.rules.names import ROOTS, Names, names_of
from engine.flow.rules.structure import walk_paths
from engine.flow.types import CORE

_SIMPLE = re.compile(r"\{\{-?\s*([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*-?\}\}")
_OPENING = re.compile(r"\{[{%]")
_DASHED = re.compile(r"(?<![\w.'\"-])(inputs|outputs)\.(\w+(?:-\w+)+)")
_OWN_VARIABLES = {
    f"{CORE}flow.Subflow": "outputs",
    f"{CORE}storage.FilterItems": "filterCondition",
    f"{CORE}storage.DeduplicateItems": "expr",
    f"{CORE}execution.Count": "expression",
}
"""Properties whose templates are rendered with variables of their own: those of a record, of a
called flow, or a count."""
_COST = 24
"""Of a template beside its length, in characters."""
_WORDS = frozenset({"true", "false", "null", "none", "True", "False", "None"})

Read = tuple[str, ...]


def check_templates(report: Report, flow: Flow) -> None:
    """Check every text of a flow that is rendered."""
    names = names_of(flow)
    for task, path, _ in walk_paths(flow):
        _check_task(report, task, path, names)
    for index, output in enumerate(flow.outputs):
        _check_texts(report, output.value, ("outputs", index, "value"), names)
    for index, item in enumerate(flow.inputs):
        here: Path = ("inputs", index)
        _check_texts(report, item.defaults, (*here, "defaults"), names)
        _check_texts(report, item.properties.get("expression"), (*here, "expression"), names)
        _check_texts(report, item.condition, (*here, "dependsOn", "condition"), names)
    _check_texts(report, flow.variables, ("variables",), names)
    for key, value in flow.labels:
        _check_texts(report, value, ("labels", key), names)
    for key in ("checks", "sla"):
        _check_texts(report, flow.extra.get(key), (key,), names)
    for index, trigger in enumerate(flow.triggers):
        _check_trigger(report, trigger, ("triggers", index))


def _check_trigger(report: Report, trigger: Trigger, path: Path) -> None:
    """Check what is rendered before there is an execution: `inputs` and `outputs` may be those of another flow."""
    for key, value in (("inputs", trigger.inputs), ("when", trigger.when), ("labels", dict(trigger.labels))):
        _check_texts(report, value, (*path, key), None)
    older = trigger.properties.get("scheduleConditions")
    newer = len(trigger.conditions) - (len(older) if isinstance(older, list) else 0)
    _check_texts(report, list(trigger.conditions[:newer]), (*path, "conditions"), None)
    _check_texts(report, list(trigger.conditions[newer:]), (*path, "scheduleConditions"), None)


def _check_texts(report: Report, value: Any, path: Path, names: Names | None) -> None:
    for text, place in _texts(value, path):
        check_template(report, text, place, names)


def _check_task(report: Report, task: Task, path: Path, names: Names) -> None:
    own = _OWN_VARIABLES.get(task.type)
    for key, value in task.properties.items():
        for text, place in _texts(value, (*path, key)):
            if key == own:
                _read(report, text, place)
            else:
                check_template(report, text, place, names, roots=task.type.startswith(CORE))
    for key, written in (("runIf", task.run_if), ("timeout", task.timeout)):
        if written is not None and "{" in written:
            check_template(report, written, (*path, key), names)


def _texts(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Yield every text below `value` that may be a template, with its place."""
    if isinstance(value, str):
        if "{{" in value or "{%" in value:
            yield value, path
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def check_template(report: Report, text: str, path: Path, names: Names | None, roots: bool = True) -> None:
    """Check one template.

    Args:
        report: Where problems go.
        text: The template.
        path: Where it stands.
        names: What the flow offers, None where another flow's may be read.
        roots: Whether to complain about variables that exist nowhere; off where a plugin may bring its own.
    """
    if names is not None:
        _check_dashes(report, text, path, names)
    for read in _read(report, text, path):
        root, rest = read[0], read[1:]
        if roots and root not in ROOTS and root not in _WORDS:
            message = f"There is no variable '{root}'"
            hint = partial(did_you_mean, root, ROOTS)
            report.warning("unknown-variable", message, path, hint, _offset(text, read))
        elif names is not None and rest:
            _check_read(report, read, text, path, names)


def _check_read(report: Report, read: Read, text: str, path: Path, names: Names) -> None:
    """Check a variable that is read below one of those which hold what the flow declares."""
    root, name = read[:2]
    if root == "inputs":
        _check_input(report, read[1:], text, path, names)
    elif root == "vars" and names.variables is not None:
        _unknown(report, "variable", read[:2], names.variables, text, path)
    elif root == "tasks":
        _unknown(report, "task", read[:2], names.tasks, text, path)
    elif root == "outputs" and name not in names.tasks:
        message = f"The flow has no task '{name}' whose outputs could be read"
        report.warning("unknown-task", message, path, partial(did_you_mean, name, names.tasks), _offset(text, read[:2]))
    elif root == "outputs" and len(read) > 2:
        known = names.outputs[name]
        if known is not None and read[2] not in known:
            has = f"It has: {', '.join(known)}" if known else "It has no outputs at all"
            message = f"Task '{name}' has no output '{read[2]}'"
            hint = did_you_mean(read[2], known) or has
            report.warning("unknown-output", message, path, hint, _offset(text, read[:3]))


def _check_input(report: Report, read: Read, text: str, path: Path, names: Names) -> None:
    """Check a path below `inputs`: it may end above an input or go on into the value of one."""
    place = names.inputs
    for depth, part in enumerate(read):
        if place.is_input:
            return
        if part not in place.below:
            _unknown(report, "input", ("inputs", *read[: depth + 1]), place.below, text, path)
            return
        place = place.below[part]


def _unknown(report: Report, what: str, read: Read, known: Collection[str], text: str, path: Path) -> None:
    name = read[-1]
    if name not in known:
        message = f"The flow has no {what} '{'.'.join(read[1:])}'"
        hint = partial(did_you_mean, name, known)
        report.warning(f"unknown-{what}", message, path, hint, _offset(text, read))


def _offset(text: str, read: Read) -> int:
    """Return where a variable is read, as near as can be told from its name."""
    at = text.find(".".join(read))
    return max(at if at >= 0 else text.find(read[-1]), 0)


def _check_dashes(report: Report, text: str, path: Path, names: Names) -> None:
    if "-" not in text:
        return
    for tag in _tags(text):
        for match in _DASHED.finditer(tag):
            root, name = match[1], match[2]
            declared = names.inputs.below.get(name)
            if name in names.tasks if root == "outputs" else declared is not None and declared.is_input:
                message = f"Invalid reference '{root}.{name}': an id with a dash needs bracket notation"
                report.error("dash", message, path, f"Write {root}['{name}']")


def _tags(text: str) -> Iterator[str]:
    """Yield the parts of a text between the marks of expressions and statements; in time linear to its length."""
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        end = text.find("}}" if opening[0] == "{{" else "%}", opening.end())
        if end < 0:
            return
        yield text[opening.end() : end]
        at = end + 2


def _read(report: Report, text: str, path: Path) -> tuple[Read, ...]:
    """Return what a template reads; warn of what can't be read, and of calls that can only fail."""
    simple = _simple_reads(text)
    if simple is not None:
        return simple
    if not report.affords(_COST + sum(map(len, _tags(text)))):
        return ()
    found = _found(text)
    if found.problem is not None:
        at, why = found.problem
        report.warning("expression-syntax", f"The expression can't be read: {why}", path, offset=at)
    for at, why in found.faults:
        report.warning("expression-call", why, path, offset=at)
    return found.reads


class _Found(msgspec.Struct, frozen=True):
    """What one template tells before it is rendered."""

    reads: tuple[Read, ...] = ()
    """Variables, each up to where it isn't known beforehand."""
    faults: tuple[tuple[int, str], ...] = ()
    problem: tuple[int, str] | None = None


def _simple_reads(text: str) -> tuple[Read, ...] | None:
    """Return what a template of plain lookups reads, as most are: compiling costs fifty times as much."""
    simple = _SIMPLE.findall(text)
    if len(simple) == text.count("{{") and "{%" not in text and "{#" not in text:
        return tuple(tuple(path.split(".")) for path in simple)
    return None


@lru_cache(maxsize=4096)
def _found(text: str) -> _Found:
    """Look into a template."""
    # Imported here because whoever only reads flows needs no expression engine, and most flows get by without.
    from engine.expression import Dialect, Dynamic, TemplateSyntaxError, compile_template

    try:
        template = compile_template(text)
    except TemplateSyntaxError as error:
        try:
            template = compile_template(text, Dialect.V2)
        except TemplateSyntaxError:
            line_start = sum(map(len, text.splitlines(keepends=True)[: error.line - 1]))
            return _Found(problem=(line_start + error.column - 1, str(error)))
    found: list[Read] = []
    for path in template.reads.paths:
        known: list[str] = []
        for part in path:
            if isinstance(part, Dynamic):
                break
            known.append(part)
        found.append(tuple(known))
    return _Found(tuple(found), template.faults)
