"""Rules about what a flow says of its executions as a whole: SLA, checks, quotas, worker groups, reserved ids."""

from __future__ import annotations

import re
from typing import Any

from engine.flow.fields import Raw, choice, duration_ms, items, known_keys, labels, whole
from engine.flow.model import Flow
from engine.flow.problems import Path, Report, kind_of

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
    for index, raw in enumerate(items(report, flow.extra, "sla", ())):
        if _is_map(report, raw, ("sla", index)):
            _check_sla(report, raw, ("sla", index))
    for index, raw in enumerate(items(report, flow.extra, "checks", ())):
        if _is_map(report, raw, ("checks", index)):
            _check_check(report, raw, ("checks", index))
    for index, raw in enumerate(items(report, flow.extra, "quotas", ())):
        if _is_map(report, raw, ("quotas", index)):
            _check_quota(report, raw, ("quotas", index))
    check_worker_group(report, flow.extra, ())


def _is_map(report: Report, raw: Any, path: Path) -> bool:
    if not isinstance(raw, dict):
        report.error("type-mismatch", f"Expected a map, but found {kind_of(raw)}", path)
    return isinstance(raw, dict)


def _needed(report: Report, raw: Raw, key: str, path: Path, what: str) -> None:
    if raw.get(key) is None:
        report.error("required", f"'{key}' of {what} must be set", path)


def _check_sla(report: Report, raw: Raw, path: Path) -> None:
    kind = choice(report, raw, "type", path, ("MAX_DURATION", "EXECUTION_ASSERTION"), "MAX_DURATION")
    own = "duration" if kind == "MAX_DURATION" else "assert"
    known_keys(report, raw, frozenset({"id", "type", "behavior", "labels", own}), path, f"an SLA of type {kind}")
    for key in ("id", "type", "behavior", own):
        _needed(report, raw, key, path, "an SLA")
    choice(report, raw, "behavior", path, ("FAIL", "CANCEL", "NONE"), "FAIL")
    labels(report, raw, "labels", path)
    if kind == "MAX_DURATION":
        duration_ms(report, raw, "duration", path)


def _check_check(report: Report, raw: Raw, path: Path) -> None:
    keys = frozenset({"id", "condition", "when", "message", "style", "behavior"})
    known_keys(report, raw, keys, path, "a check")
    if raw.get("when") is None:
        _needed(report, raw, "condition", path, "a check")
    _needed(report, raw, "message", path, "a check")
    choice(report, raw, "style", path, ("ERROR", "SUCCESS", "WARNING", "INFO"), "INFO")
    behaviors = ("BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION")
    choice(report, raw, "behavior", path, behaviors, "BLOCK_EXECUTION")


def _check_quota(report: Report, raw: Raw, path: Path) -> None:
    known_keys(report, raw, frozenset({"duration", "limit", "behavior"}), path, "a quota")
    for key in ("duration", "limit"):
        _needed(report, raw, key, path, "a quota")
    length = duration_ms(report, raw, "duration", path)
    if length is not None and length < 60_000:
        report.error("range", "'duration' of a quota must be at least one minute", (*path, "duration"))
    whole(report, raw, "limit", path, 1)
    choice(report, raw, "behavior", path, ("FAIL", "CANCEL"), "FAIL")


def check_worker_group(report: Report, raw: Raw, path: Path) -> None:
    """Check the worker group (older generation) or worker selector (newer) in a map that may hold either."""
    group = raw.get("workerGroup")
    if isinstance(group, dict):
        here: Path = (*path, "workerGroup")
        known_keys(report, group, frozenset({"key", "fallback"}), here, "a worker group")
        choice(report, group, "fallback", here, ("FAIL", "WAIT", "CANCEL"), "FAIL")
    selector = raw.get("workerSelector")
    if isinstance(selector, dict):
        here = (*path, "workerSelector")
        known_keys(report, selector, frozenset({"tags", "match", "fallback"}), here, "a worker selector")
        choice(report, selector, "match", here, ("ALL", "ANY"), "ALL")
        choice(report, selector, "fallback", here, ("FAIL", "WAIT", "CANCEL", "IGNORE"), "FAIL")
        tags = items(report, selector, "tags", here)
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
