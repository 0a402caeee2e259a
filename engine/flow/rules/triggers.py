"""Rules about triggers: unique ids, schedules, webhooks, and what a flow trigger waits for."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any
from zoneinfo import ZoneInfo

from engine.flow.cron import cron_problem
from engine.flow.model import Flow, Input, Trigger
from engine.flow.problems import Path, Report, did_you_mean
from engine.flow.rules.conditions import check_conditions
from engine.flow.rules.flow_trigger import check_flow_trigger
from engine.flow.rules.inputs import unique_ids
from engine.flow.rules.limits import check_worker_group
from engine.flow.rules.names import input_ids
from engine.flow.types import CORE

_SCHEDULE = f"{CORE}trigger.Schedule"
_ON_DATES = f"{CORE}trigger.ScheduleOnDates"
_WEBHOOK = f"{CORE}trigger.Webhook"
_FLOW = f"{CORE}trigger.Flow"
_OFFSET = re.compile(r"(?:Z|(?:UTC|GMT|UT)?(?:[+-]\d{1,2}(?::?\d{2})?)?)")


def check_triggers(report: Report, flow: Flow) -> None:
    """Check the triggers of a flow."""
    unique_ids(report, (trigger.id for trigger in flow.triggers), ("triggers",), "trigger")
    windows: set[str] = set()
    for index, trigger in enumerate(flow.triggers):
        path: Path = ("triggers", index)
        _check_conditions(report, trigger, path)
        check_worker_group(report, trigger.properties, path)
        if trigger.type == _SCHEDULE:
            _check_schedule(report, trigger, path)
        elif trigger.type == _WEBHOOK:
            _check_webhook(report, trigger, path)
        elif trigger.type == _FLOW:
            check_flow_trigger(report, trigger, path, windows)
        if trigger.type in (_SCHEDULE, _ON_DATES):
            _check_timezone(report, trigger, path)
        if trigger.type in (_SCHEDULE, _ON_DATES, _WEBHOOK):
            _check_supplied(report, flow, trigger, path)


def _check_conditions(report: Report, trigger: Trigger, path: Path) -> None:
    older = trigger.properties.get("scheduleConditions")
    newer = len(trigger.conditions) - (len(older) if isinstance(older, list) else 0)
    check_conditions(report, trigger.conditions[:newer], (*path, "conditions"))
    if older:
        report.info(
            "deprecated-property", "'scheduleConditions' is replaced by 'conditions'", (*path, "scheduleConditions")
        )
        check_conditions(report, trigger.conditions[newer:], (*path, "scheduleConditions"))
    if "backfill" in trigger.properties and trigger.type == _SCHEDULE:
        report.info("deprecated-property", "'backfill' is ignored: start one through the API", (*path, "backfill"))
    if "minLogLevel" in trigger.properties:
        report.info("deprecated-property", "'minLogLevel' is replaced by 'logLevel'", (*path, "minLogLevel"))


def _check_schedule(report: Report, trigger: Trigger, path: Path) -> None:
    cron = trigger.properties.get("cron")
    if not isinstance(cron, str):
        return
    problem = cron_problem(cron, with_seconds=trigger.properties.get("withSeconds") in (True, "true"))
    if problem is not None:
        report.error("cron", f"Invalid cron expression '{cron}': {problem}", (*path, "cron"))


@lru_cache(maxsize=256)
def is_timezone(name: str) -> bool:
    """Return whether a name is a time zone: a region such as Europe/Paris, or an offset such as UTC+2."""
    if _OFFSET.fullmatch(name):
        return True
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _check_timezone(report: Report, trigger: Trigger, path: Path) -> None:
    zone = trigger.properties.get("timezone")
    if isinstance(zone, str) and "{{" not in zone and not (zone and is_timezone(zone)):
        report.error(
            "timezone", f"'{zone}' is not a valid time-zone ID", (*path, "timezone"), "Use one such as Europe/Paris"
        )


def _check_webhook(report: Report, trigger: Trigger, path: Path) -> None:
    raw = trigger.properties
    key = raw.get("key")
    if isinstance(key, str) and not 1 <= len(key) <= 256:
        report.error("size", f"'key' must have between 1 and 256 characters, but has {len(key)}", (*path, "key"))
    for index, condition in enumerate(trigger.conditions):
        if isinstance(condition, dict) and str(condition.get("type", "")).endswith(".MultipleCondition"):
            report.error("condition", "MultipleCondition is not supported on webhooks", (*path, "conditions", index))


def _check_supplied(report: Report, flow: Flow, trigger: Trigger, path: Path) -> None:
    missing = [name for name in _demanded(flow.inputs) if not _supplies(trigger.inputs, name)]
    if missing:
        message = f"Trigger '{trigger.id}' doesn't supply the required inputs without defaults: {', '.join(missing)}"
        report.warning("trigger-inputs", message, path, "Set them in the trigger's 'inputs', or give them defaults")
    known = {name.split(".")[0] for name in input_ids(flow.inputs)} | set(input_ids(flow.inputs))
    for name in trigger.inputs:
        if name not in known:
            message = f"The flow has no input '{name}'"
            report.warning("unknown-input", message, (*path, "inputs", name), partial(did_you_mean, name, known))


def _demanded(inputs: tuple[Input, ...]) -> list[str]:
    """Return the ids of the inputs that somebody has to give, those within forms included."""
    found: list[str] = []
    for item in inputs:
        if item.type == "FORM":
            children = item.properties.get("inputs")
            for child in children if isinstance(children, list) and not item.depends_on else ():
                if isinstance(child, dict) and child.get("required") is not False and child.get("defaults") is None:
                    found.extend([] if child.get("dependsOn") else [f"{item.id}.{child.get('id')}"])
        elif item.required and not item.has_defaults and not item.depends_on:
            found.append(item.id)
    return found


def _supplies(supplied: Any, name: str) -> bool:
    if name in supplied:
        return True
    outer, _, inner = name.partition(".")
    return bool(inner) and isinstance(supplied.get(outer), dict) and _supplies(supplied[outer], inner)
