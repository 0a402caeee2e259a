"""Rules about what a flow says of its executions as a whole: checks, quotas, worker groups, reserved ids."""

from __future__ import annotations

import re

from engine.flow.fields import Raw
from engine.flow.model import Flow
from engine.flow.problems import Path, Report, kind_of
from engine.flow.shapes.flow_parts import CheckPart, QuotaPart
from engine.flow.shapes.parts import WorkerGroupPart, WorkerSelectorPart
from engine.flow.shapes.reading import read_part, read_parts

RESERVED_IDS = frozenset(
    {"pause", "resume", "force-run", "change-status", "kill", "executions", "search", "source", "disable", "enable"}
)
"""Flow ids that would hide a route of the API."""
_TAG = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?")


def check_limits(report: Report, flow: Flow) -> None:
    """Check the flow's own rules for its executions."""
    if flow.id in RESERVED_IDS:
        message = f"The flow id '{flow.id}' is a reserved keyword; reserved are {', '.join(sorted(RESERVED_IDS))}"
        report.error("reserved-id", message, ("id",))
    for check, path in read_parts(report, CheckPart, flow.extra.get("checks"), ("checks",)):
        if check.when is None and check.condition is None:
            report.error("required", "'condition' of a check must be set", path)
    for quota, path in read_parts(report, QuotaPart, flow.extra.get("quotas"), ("quotas",)):
        if quota.duration < 60_000:
            report.error("range", "'duration' of a quota must be at least one minute", (*path, "duration"))
    check_worker_group(report, flow.extra, ())


def check_worker_group(report: Report, raw: Raw, path: Path) -> None:
    """Check the worker group (older generation) or worker selector (newer) in a map that may hold either."""
    group = raw.get("workerGroup")
    if isinstance(group, dict):
        read_part(report, WorkerGroupPart, group, (*path, "workerGroup"))
    selector = raw.get("workerSelector")
    if isinstance(selector, dict):
        here: Path = (*path, "workerSelector")
        part = read_part(report, WorkerSelectorPart, selector, here)
        tags = part.tags or []
        if not tags and ("match" in selector or "fallback" in selector):
            report.error("worker-selector", "'match' and 'fallback' of a worker selector need 'tags'", here)
        if len(tags) > 20:
            report.error(
                "size", f"'tags' of a worker selector must be 20 at most, but are {len(tags)}", (*here, "tags")
            )
        for index, tag in enumerate(tags):
            if not isinstance(tag, str) or not (_TAG.fullmatch(tag) or "{{" in tag):
                message = f"Expected a tag of lower-case letters, digits and dashes, but found {kind_of(tag)}"
                report.error("pattern", message, (*here, "tags", index))
