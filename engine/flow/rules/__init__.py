"""Rules that need more than one property at a time. One module for each part of a flow, each with one door."""

from __future__ import annotations

from engine.flow.model import Flow
from engine.flow.problems import Report
from engine.flow.rules.conditions import check_conditions
from engine.flow.rules.inputs import check_inputs
from engine.flow.rules.limits import check_limits
from engine.flow.rules.reachability import check_reachability
from engine.flow.rules.structure import check_structure
from engine.flow.rules.tasks import check_tasks
from engine.flow.rules.templates import check_templates
from engine.flow.rules.triggers import check_triggers


def check_flow(report: Report, flow: Flow) -> None:
    """Check a built flow and report what is wrong with it."""
    check_limits(report, flow)
    check_inputs(report, flow)
    check_structure(report, flow)
    check_tasks(report, flow)
    check_triggers(report, flow)
    check_reachability(report, flow)
    check_templates(report, flow)
    listeners = flow.extra.get("listeners")
    for index, listener in enumerate(listeners if isinstance(listeners, list) else ()):
        conditions = listener.get("conditions") if isinstance(listener, dict) else None
        if isinstance(conditions, list):
            check_conditions(report, conditions, ("listeners", index, "conditions"))
