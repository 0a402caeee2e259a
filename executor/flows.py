"""The flows that executions of this process run: a fold of the catalogue's events, in memory.

Owns looking a revision up and compiling it once. It decides nothing: revisions are numbered by the catalogue aggregate.
"""

from __future__ import annotations

import re
from collections import OrderedDict

from engine.catalog.events import FlowDeleted, FlowSaved
from engine.flow import parse_flow
from engine.flow.model import Flow
from engine.trigger.listeners import Listeners, listeners_of
from topics import catalog
from topics.messages import Step
from topics.ports import Log, Record
from topics.step_log import StepFold, step_message

COMPILED_MAX = 2_000
"""Compiled revisions kept: a flow of 100 lines takes some 50 kB."""
BATCH = 500
FLOW_TRIGGERS = re.compile(r"\.trigger(?:s\.types)?\.Flow\b")
"""In the source of whatever flow has a flow trigger, under any of its names: most flows aren't parsed for it."""


class Flows:
    """All revisions by namespace, id and number.

    Args:
        log: Where the catalogue's events are.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._reader = log.reader()
        self._folds: dict[int, StepFold] = {}
        self._sources: dict[tuple[str, str, int], str] = {}
        self.listeners = Listeners()
        """Flow triggers of the latest revisions, as far as the catalogue is folded."""
        self._latest: dict[tuple[str, str], int] = {}
        """Revisions that new executions run, of the flows that aren't deleted."""
        self._compiled: OrderedDict[tuple[str, str, int], tuple[int, Flow] | None] = OrderedDict()
        self._fresh = False
        for partition in range(log.partitions(catalog.FLOWS_EVENTS)):
            start = log.begin_offset(catalog.FLOWS_EVENTS, partition)
            self._folds[partition] = StepFold(offset=start)
            self._reader.add(catalog.FLOWS_EVENTS, partition, start)

    def get(self, namespace: str, flow_id: str, revision: int) -> tuple[int, Flow] | None:
        """Return the flow at a revision (0: the latest) and its number, None if there is none or it doesn't parse.

        A revision that isn't known is looked for up to the end of the log first: whoever names it has seen it there.
        """
        if not revision:
            revision = self._latest_of(namespace, flow_id)
            if not revision:
                return None
        key = (namespace, flow_id, revision)
        if key in self._compiled:
            self._compiled.move_to_end(key)
            return self._compiled[key]
        source = self._sources.get(key)
        if source is None:
            self.catch_up()
            source = self._sources.get(key)
            if source is None:
                return None
        flow = parse_flow(source, strict=False).flow
        found = self._compiled[key] = (revision, flow) if flow is not None else None
        if len(self._compiled) > COMPILED_MAX:
            self._compiled.popitem(last=False)
        return found

    def begin_pass(self) -> None:
        """Note that commands may come that were written after flows that aren't folded yet."""
        self._fresh = False

    def _latest_of(self, namespace: str, flow_id: str) -> int:
        """Return the latest revision as of the end of the log, looked up once a pass; 0 if there is no such flow."""
        if not self._fresh:
            self.catch_up()
            self._fresh = True
        return self._latest.get((namespace, flow_id), 0)

    def poll(self) -> None:
        """Fold what is there, without waiting."""
        for record in self._reader.poll(BATCH, 0.0):
            self._fold(record)

    def catch_up(self) -> None:
        """Fold up to the present end of the log."""
        for partition, fold in self._folds.items():
            end = self._log.end_offset(catalog.FLOWS_EVENTS, partition)
            idle = 0
            while fold.offset < end and idle < 200:
                records = self._reader.poll(BATCH, 0.05)
                idle = 0 if records else idle + 1
                for record in records:
                    self._fold(record)

    def close(self) -> None:
        """Release the reader."""
        self._reader.close()

    def _fold(self, record: Record) -> None:
        message = step_message(record)
        if not self._folds[record.partition].counts(message, record.offset) or not isinstance(message, Step):
            return
        for event in message.events:
            if isinstance(event, FlowSaved):
                self._sources[(event.namespace, event.flow_id, event.revision)] = event.source
                self._latest[(event.namespace, event.flow_id)] = event.revision
                self._listen(event)
            elif isinstance(event, FlowDeleted):
                self._latest.pop((event.namespace, event.flow_id), None)
                self.listeners.put(event.namespace, event.flow_id, ())

    def _listen(self, event: FlowSaved) -> None:
        """Take the flow's triggers into the index; only sources that may have such a trigger are read for it."""
        flow = parse_flow(event.source, strict=False).flow if FLOW_TRIGGERS.search(event.source) else None
        found = listeners_of(flow, event.revision) if flow is not None else ()
        self.listeners.put(event.namespace, event.flow_id, found)
