"""One command: find its flow, and let the engine decide.

Owns the context that deciders get. It appends nothing and remembers nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from engine import machine
from engine.catalog.step import FLOWS
from engine.execution.commands import CreateExecution
from engine.execution.draft import ExecutionDraft, Setting
from engine.execution.job import Job, build_job
from engine.execution.state import HEADER, Header
from engine.execution.step import EXECUTIONS
from engine.flow.model import Flow
from engine.machine import Aggregate, Command, Rows
from engine.slots.step import SLOTS
from engine.trigger.step import TRIGGERS

Found = tuple[int, Flow]
"""A flow with the number of its revision."""
FindFlow = Callable[[str, str, int], "Found | None"]
"""(namespace, flow id, revision; 0: the latest) to the flow; None if there is none."""

AGGREGATES: dict[str, Aggregate] = {each.kind: each for each in (EXECUTIONS, FLOWS, SLOTS, TRIGGERS)}
"""Every kind of aggregate that an executor runs."""


class Named(msgspec.Struct, frozen=True):
    """What a step's envelope tells a reader who has only the topic."""

    namespace: str
    flow: str
    revision: int


class Processor:
    """Decides commands of one kind of aggregate.

    Args:
        aggregate: Which kind.
        find_flow: Looks a flow's revision up.
        setting: What deciders of executions read besides rows and flow.
    """

    def __init__(self, aggregate: Aggregate, find_flow: FindFlow, setting: Setting) -> None:
        self.aggregate = aggregate
        self._find_flow = find_flow
        self._setting = setting
        self._settings: dict[int, tuple[Flow, Setting]] = {}

    def process(self, aggregate_id: str, rows: Rows, command: Command, at_ms: int) -> machine.Step:
        """Return what the command comes to; see `engine.machine.step`."""
        context = None
        if self.aggregate is EXECUTIONS:
            context = self._context(rows, command)
        elif self.aggregate is TRIGGERS:
            context = self._with(self._flow_of(aggregate_id, rows, command))
        return machine.step(self.aggregate, aggregate_id, rows, command, at_ms, context)

    def job(self, execution_id: str, rows: Rows, task_run_id: str, at_ms: int) -> Job | None:
        """Return the job of an attempt, with its variables as of now; None if the task run is gone."""
        context = self._context(rows, None)
        if context.flow is None:
            return None
        return build_job(ExecutionDraft(EXECUTIONS, execution_id, rows, at_ms, context), task_run_id)

    def named(self, aggregate_id: str, rows: Rows, command: Any) -> Named:
        """Return namespace, flow and revision for the envelope of a step."""
        if self.aggregate is not EXECUTIONS:  # the others are keyed by the uid of a flow
            namespace, _slash, flow_id = aggregate_id.partition("/")
            return Named(namespace, flow_id, 0)
        header: Header | None = rows.get(HEADER)
        if header is not None:
            return Named(header.namespace, header.flow_id, header.revision)
        return Named(
            getattr(command, "namespace", ""), getattr(command, "flow_id", ""), getattr(command, "revision", 0)
        )

    def _context(self, rows: Rows, command: Command | None) -> Setting:
        header: Header | None = rows.get(HEADER)
        if header is not None and header.revision:
            found = self._find_flow(header.namespace, header.flow_id, header.revision)
        elif isinstance(command, CreateExecution):
            found = self._find_flow(command.namespace, command.flow_id, command.revision)
        else:
            found = None
        return self._with(found)

    def _flow_of(self, uid: str, rows: Rows, command: Any) -> Found | None:
        """Return the flow whose triggers decide: at the revision that the command names, else at theirs."""
        header = rows.get(HEADER)
        revision = getattr(command, "revision", 0) or (header.revision if header is not None else 0)
        namespace, _slash, flow_id = uid.partition("/")
        return self._find_flow(namespace, flow_id, revision) if revision else None

    def _with(self, found: Found | None) -> Setting:
        if found is None:
            return self._setting
        revision, flow = found
        known = self._settings.get(id(flow))
        if known is None or known[0] is not flow:
            if len(self._settings) > 1000:
                self._settings.clear()
            known = self._settings[id(flow)] = (
                flow,
                msgspec.structs.replace(self._setting, flow=flow, revision=revision),
            )
        return known[1]
