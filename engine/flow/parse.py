"""YAML text to `Flow`, with every problem at once.

Owns the top level of a flow and the order of the work: read, apply plugin defaults, build, check. The parts are in the
modules beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import msgspec

from engine.flow.defaults import apply_plugin_defaults
from engine.flow.document import Document, read_documents
from engine.flow.fields import Raw, labels, retry, text
from engine.flow.inputs import read_inputs, read_outputs
from engine.flow.model import EMPTY, Concurrency, Flow, Sla, Task, build_flow
from engine.flow.problems import Path, Problem, Report, kind_of
from engine.flow.rules import check_flow
from engine.flow.shapes.flow_parts import (
    FLOW_ID,
    NAMESPACE,
    AssertionPart,
    ConcurrencyPart,
    FlowPart,
    ListenerPart,
    MaxDurationPart,
)
from engine.flow.shapes.parts import kinds_of
from engine.flow.shapes.reading import read_part
from engine.flow.tasks import read_id, read_tasks
from engine.flow.triggers import read_triggers

BRANCHES = ("tasks", "errors", "finally", "afterExecution")
_EXTRA = frozenset(
    {"listeners", "sla", "checks", "quotas", "pluginDefaults", "taskDefaults", "workerGroup", "workerSelector", "draft"}
    | {"policyRefs", "version"}
)
FLOW_KEYS = frozenset(kinds_of(FlowPart))
"""All top-level properties of a flow, of both generations."""


class ParsedFlow(msgspec.Struct, frozen=True):
    """What became of one document: the flow, if it can be used, and everything that was found about it."""

    flow: Flow | None
    problems: tuple[Problem, ...]
    raw: Any = None
    """The document as plain JSON values, None if it couldn't be read. Never change it."""

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems for which the flow can't be saved."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


def parse_flow(
    source: str, *, strict: bool = True, silenced: Collection[str] = (), plugin_defaults: Sequence[Raw] = ()
) -> ParsedFlow:
    """Read the one flow of a YAML text.

    Args:
        source: The text. A second document in it is an error.
        strict: As when a flow is saved: everything is checked and any error leaves `flow` None. Otherwise only as much
            is checked as reading needs, and there is a flow as soon as it has an id, a namespace and tasks with id and
            type: how a stored flow is read in order to run or draw it.
        silenced: Rules whose warnings and infos are left out.
        plugin_defaults: Those of the server's configuration: maps of type, values and perhaps forced.

    Returns:
        The flow and all problems in the order of the text. It never raises for what the text says.
    """
    documents = read_documents(source)
    parsed = _parse(documents[0], strict, silenced, plugin_defaults)
    if len(documents) > 1:
        extra = Problem("error", "documents", "Expected one flow, but the text holds several documents", 1, 1)
        return ParsedFlow(None if strict else parsed.flow, (*parsed.problems, extra), parsed.raw)
    return parsed


def parse_flows(
    source: str, *, strict: bool = True, silenced: Collection[str] = (), plugin_defaults: Sequence[Raw] = ()
) -> list[ParsedFlow]:
    """Read every flow of a text whose documents are separated by `---`; see `parse_flow` for the arguments."""
    return [_parse(document, strict, silenced, plugin_defaults) for document in read_documents(source)]


def _parse(document: Document, strict: bool, silenced: Collection[str], plugin_defaults: Sequence[Raw]) -> ParsedFlow:
    report = Report(document, silenced)
    report.problems.extend(document.problems)
    report.errors = len(document.problems)
    raw = document.value
    if not isinstance(raw, dict):
        if not report.errors:
            report.error(
                "type-mismatch", f"Expected a flow (a map with id, namespace and tasks), but found {kind_of(raw)}", ()
            )
        return ParsedFlow(None, report.sorted())
    flow = _build(report, apply_plugin_defaults(report, raw, plugin_defaults))
    if strict:
        check_flow(report, flow)
    kept = None if report.unsound or (strict and report.errors) else flow
    return ParsedFlow(kept, report.sorted(), raw)


def _build(report: Report, raw: Raw) -> Flow:
    flow_id = read_id(report, raw, (), FLOW_ID, "a flow", most=100)
    namespace = _namespace(report, raw)
    branches = {key: read_tasks(report, raw[key], (key,)) for key in BRANCHES if raw.get(key) is not None}
    branches |= _listeners(report, raw)
    if not branches.get("tasks"):
        report.unsound = True
    if not raw.get("tasks"):
        report.error("required", "the 'tasks' property cannot be empty", ("tasks",) if "tasks" in raw else ())
    part = read_part(report, FlowPart, raw, ())
    fields: dict[str, Any] = {
        "description": part.description,
        "labels": labels(report, raw, "labels", ()),
        "inputs": read_inputs(report, raw.get("inputs"), ("inputs",)),
        "variables": EMPTY if part.variables is None else part.variables,
        "branches": branches,
        "outputs": read_outputs(report, raw.get("outputs"), ("outputs",)),
        "triggers": read_triggers(report, raw.get("triggers"), ("triggers",)),
        "concurrency": _concurrency(report, part.concurrency),
        "sla": tuple(_slas(report, raw.get("sla"))),
        "retry": retry(report, part.retry, ()),
        "disabled": part.disabled,
        "extra": {key: value for key, value in raw.items() if key in _EXTRA} or EMPTY,
    }
    return build_flow(id=flow_id or "", namespace=namespace or "", **fields)


def _namespace(report: Report, raw: Raw) -> str | None:
    found = text(report, raw, "namespace", ())
    if not found:
        report.unsound = True
        report.error("required", "'namespace' of a flow must be set", ("namespace",) if "namespace" in raw else ())
    elif not NAMESPACE.fullmatch(found):
        report.error("pattern", f"'{found}' is no valid namespace: must match '{NAMESPACE.pattern}'", ("namespace",))
    elif len(found) > 150:
        report.error(
            "size", f"'namespace' must have between 1 and 150 characters, but has {len(found)}", ("namespace",)
        )
    return found


def _listeners(report: Report, raw: Raw) -> dict[str, tuple[Task, ...]]:
    """Tasks of the old `listeners`, as branches of their own; their conditions stay in `extra`."""
    listeners = raw.get("listeners")
    if listeners is None:
        return {}
    report.info("deprecated-property", "'listeners' is replaced by 'afterExecution'", ("listeners",))
    if not isinstance(listeners, list):
        report.error("type-mismatch", f"Expected a list of listeners, but found {kind_of(listeners)}", ("listeners",))
        return {}
    found: dict[str, tuple[Task, ...]] = {}
    for index, listener in enumerate(listeners):
        here: Path = ("listeners", index)
        if not isinstance(listener, dict) or not listener.get("tasks"):
            report.error("required", "the 'tasks' property cannot be empty", here)
            continue
        read_part(report, ListenerPart, listener, here)
        found[f"listeners.{index}"] = read_tasks(report, listener["tasks"], (*here, "tasks"))
    return found


def _concurrency(report: Report, raw: Raw | None) -> Concurrency | None:
    if not raw:
        return None
    errors = report.errors
    part = read_part(report, ConcurrencyPart, raw, ("concurrency",))
    return Concurrency(limit=part.limit, behavior=part.behavior) if report.errors == errors else None


def _slas(report: Report, slas: Any) -> Iterator[Sla]:
    for index, raw in enumerate(slas if isinstance(slas, list) else ()):
        here: Path = ("sla", index)
        if not isinstance(raw, dict):
            report.error("type-mismatch", f"Expected an SLA (a map), but found {kind_of(raw)}", here)
            continue
        errors = report.errors
        found: dict[str, Any] = {"labels": labels(report, raw, "labels", here)}
        if raw.get("type") == "EXECUTION_ASSERTION":
            assertion = read_part(report, AssertionPart, raw, here)
            found |= {"id": assertion.id, "behavior": assertion.behavior, "assertion": assertion.assert_}
        else:
            part = read_part(report, MaxDurationPart, raw, here)
            found |= {"id": part.id, "behavior": part.behavior, "duration_ms": part.duration}
        if report.errors == errors:
            yield Sla(**found)
