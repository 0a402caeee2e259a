"""What the templates of a flow read, held against what the flow has.

Owns the walk over every text of a flow. All but one of these are warnings, since a template may guard what it reads
(`inputs.x ?? 'none'`): the exception is an id with a dash behind a dot, which always means something else than it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

from engine.flow.model import Flow, Task
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
_WORDS = frozenset({"true", "false", "null", "none", "True", "False", "None"})

Read = tuple[str, ...]


def check_templates(report: Report, flow: Flow) -> None:
    """Check the templates of tasks, outputs, inputs and triggers."""
    names = names_of(flow)
    for task, path, _ in walk_paths(flow):
        _check_task(report, task, path, names)
    for index, output in enumerate(flow.outputs):
        for text, place in _texts(output.value, ("outputs", index, "value")):
            check_template(report, text, place, names)
    for index, item in enumerate(flow.inputs):
        for key, value in (("defaults", item.defaults), ("expression", item.properties.get("expression"))):
            for text, place in _texts(value, ("inputs", index, key)):
                check_template(report, text, place, names)
    for index, trigger in enumerate(flow.triggers):
        for text, place in _texts(trigger.inputs, ("triggers", index, "inputs")):
            _check_syntax(report, text, place)
        if trigger.when is not None:
            _check_syntax(report, trigger.when, ("triggers", index, "when"))


def _check_task(report: Report, task: Task, path: Path, names: Names) -> None:
    own = _OWN_VARIABLES.get(task.type)
    for key, value in task.properties.items():
        for text, place in _texts(value, (*path, key)):
            if key == own:
                _check_syntax(report, text, place)
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
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _texts(inner, (*path, index))


def check_template(report: Report, text: str, path: Path, names: Names, roots: bool = True) -> None:
    """Check one template.

    Args:
        report: Where problems go.
        text: The template.
        path: Where it stands.
        names: What the flow offers.
        roots: Whether to complain about variables that exist nowhere; off where a plugin may bring its own.
    """
    _check_dashes(report, text, path, names)
    for read in _check_syntax(report, text, path):
        root, rest = read[0], read[1:]
        if root == "inputs" and rest:
            _unknown(report, "unknown-input", "input", rest[0], names.inputs, path)
        elif root == "vars" and rest and names.variables is not None:
            _unknown(report, "unknown-variable", "variable", rest[0], names.variables, path)
        elif root == "tasks" and rest:
            _unknown(report, "unknown-task", "task", rest[0], names.tasks, path)
        elif root == "outputs" and rest:
            _check_output(report, rest, path, names)
        elif roots and root not in ROOTS and root not in _WORDS:
            message = f"There is no variable '{root}'"
            report.warning("unknown-variable", message, path, partial(did_you_mean, root, ROOTS))


def _unknown(report: Report, rule: str, what: str, name: str, known: frozenset[str], path: Path) -> None:
    if name not in known:
        report.warning(rule, f"The flow has no {what} '{name}'", path, partial(did_you_mean, name, known))


def _check_output(report: Report, rest: Read, path: Path, names: Names) -> None:
    task = rest[0]
    if task not in names.tasks:
        message = f"The flow has no task '{task}' whose outputs could be read"
        report.warning("unknown-task", message, path, partial(did_you_mean, task, names.tasks))
        return
    known = names.outputs[task]
    if known is None or len(rest) < 2 or rest[1] in known:
        return
    hint = did_you_mean(rest[1], known) or (f"It has: {', '.join(known)}" if known else "It has no outputs at all")
    report.warning("unknown-output", f"Task '{task}' has no output '{rest[1]}'", path, hint)


def _check_dashes(report: Report, text: str, path: Path, names: Names) -> None:
    if "-" not in text:
        return
    for tag in _tags(text):
        for match in _DASHED.finditer(tag):
            root, name = match[1], match[2]
            if name in (names.inputs if root == "inputs" else names.tasks):
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


def _check_syntax(report: Report, text: str, path: Path) -> tuple[Read, ...]:
    reads, problem = _reads(text)
    if problem is not None:
        report.warning("expression-syntax", f"The expression can't be read: {problem}", path)
    return reads


@lru_cache(maxsize=4096)
def _reads(text: str) -> tuple[tuple[Read, ...], str | None]:
    """Return the variables that a template reads, each up to where it isn't known beforehand, or why it can't be read.

    Plain lookups, most of all templates, are taken by a regular expression: compiling costs fifty times as much.
    """
    simple = _SIMPLE.findall(text)
    if len(simple) == text.count("{{") and "{%" not in text and "{#" not in text:
        return tuple(tuple(path.split(".")) for path in simple), None
    # Imported here because whoever only reads flows needs no expression engine, and most flows get by without.
    from engine.expression import Dialect, Dynamic, TemplateSyntaxError, compile_template

    try:
        paths = compile_template(text).reads.paths
    except TemplateSyntaxError as error:
        try:
            paths = compile_template(text, Dialect.V2).reads.paths
        except TemplateSyntaxError:
            return (), str(error)
    found: list[Read] = []
    for path in paths:
        known: list[str] = []
        for part in path:
            if isinstance(part, Dynamic):
                break
            known.append(part)
        found.append(tuple(known))
    return tuple(found), None
