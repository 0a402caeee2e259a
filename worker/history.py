"""What an execution has logged so far, and what came of its batches, read back from the log.

Owns the search: from the ends of the execution's partitions back to its beginning, so that it costs what has happened
since, however old the log is. Lines are the engine's, in its steps, and those of workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.execution.events import (
    ChildAsked,
    ChildFinished,
    ExecutionCreated,
    LogLine,
    TaskRunCreated,
    TaskRunDecided,
)
from topics import catalog
from topics.backwards import pieces_backwards
from topics.messages import Claim, LogEntry, Step
from topics.ports import Log, Record
from topics.serde import message_or_none
from topics.step_log import AggregateFold, step_message

RECORDS_MAX = 2_000_000
"""Of one topic that are looked through for one execution: some minutes of work."""
SLACK_MS = 60_000
"""How much the clocks of brokers may differ."""

Wanted = Callable[[LogEntry], bool]


class TooFarBack(ValueError):
    """The execution's beginning isn't among the records that may be looked through."""


class Logged(msgspec.Struct, frozen=True):
    """An execution and its lines."""

    namespace: str
    flow_id: str
    lines: list[LogEntry]
    """In the order of their times."""


class _Part(msgspec.Struct, frozen=True):
    """What matters of a step."""

    epoch: int
    seq: int
    events: int
    kept: Any


class _Lines(msgspec.Struct, frozen=True):
    """Of a step: its lines."""

    names: dict[str, str]
    """Task ids by task runs that began."""
    lines: list[tuple[str, int, LogLine]]
    """With task run and time."""


class History:
    """Reads lines of executions back. Any thread may call it.

    Args:
        log: Where they are.
    """

    def __init__(self, log: Log) -> None:
        self._log = log

    def read(self, execution_id: str, wanted: Wanted, check: Callable[[], None]) -> Logged | None:
        """Return an execution's lines, None if the log knows no such execution (any more).

        Args:
            execution_id: Which.
            wanted: Whether a line is kept.
            check: Called now and then; what it raises ends the search.

        Raises:
            TooFarBack: If it isn't found within `RECORDS_MAX` records.
            LogError: If the log can't be read.
        """
        found = self._steps(execution_id, _lines_of, check)
        if found is None:
            return None
        created, at_ms, parts = found
        lines = _engine_lines(created, parts, wanted)
        lines += self._worker_lines(execution_id, at_ms - SLACK_MS, wanted, check)
        return Logged(created.namespace, created.flow, sorted(lines, key=lambda line: line.at_ms))

    def batch_outputs(self, execution_id: str, task_run_id: str, items: str, check: Callable[[], None]) -> list[bytes]:
        """Return the outputs (JSON) of the executions that another task run called for its batches, in their order.

        Args:
            execution_id: Which execution.
            task_run_id: A sibling of the task run that called them.
            items: Id of that one's task.
            check: Called now and then; what it raises ends the search.

        Raises as `read` does.
        """
        found = self._steps(execution_id, _batches_of, check)
        scopes: dict[str, tuple[str, str]] = {}
        numbers: dict[tuple[str, str], int] = {}
        outputs: dict[tuple[str, str], bytes] = {}
        for part in found[2] if found is not None else ():
            for event in part.kept:
                if isinstance(event, TaskRunCreated):
                    scopes[event.task_run_id] = (event.scope_id, event.task_id)
                elif isinstance(event, ChildAsked):
                    numbers[(event.task_run_id, event.child_id)] = event.index
                else:
                    outputs[(event.task_run_id, event.child_id)] = event.outputs_json
        own = scopes.get(task_run_id, ("", ""))[0]
        callers = {run for run, (scope_id, task_id) in scopes.items() if scope_id == own and task_id == items}
        by_number = {numbers[key]: json for key, json in outputs.items() if key[0] in callers and key in numbers}
        return [by_number[number] for number in sorted(by_number)]

    def _steps(
        self, execution_id: str, kept: Callable[[Step], Any], check: Callable[[], None]
    ) -> tuple[Step, int, list[_Part]] | None:
        """Return an execution's first step with its time, and all that count, in their order; None if there is none."""
        parts: list[_Part | Claim] = []
        later: set[int] = set()
        created: tuple[Step, int] | None = None
        for record in self._back(catalog.EXECUTIONS_EVENTS, execution_id, check):
            message = step_message(record)
            if isinstance(message, Claim):
                parts.append(message)
                continue
            parts.append(_Part(message.epoch, message.seq, len(message.events), kept(message)))
            begins = any(isinstance(event, ExecutionCreated) for event in message.events)
            # An executor that lost its partition may have begun the execution once more, in vain: nothing follows that.
            if begins and (not later or len(message.events) in later):
                created = message, record.at_ms
                break
            later.add(message.seq)
        if created is None:
            return None
        return *created, list(_counted(created[0], reversed(parts)))

    def _worker_lines(
        self, execution_id: str, since_ms: int, wanted: Wanted, check: Callable[[], None]
    ) -> list[LogEntry]:
        found: dict[str, LogEntry] = {}
        for record in self._back(catalog.LOGS, execution_id, check, since_ms):
            entry = message_or_none(record)
            if isinstance(entry, LogEntry) and wanted(entry):
                # A line that was delivered twice is one line.
                found[entry.id] = entry
        return list(reversed(found.values()))

    def _back(self, topic: str, key: str, check: Callable[[], None], since_ms: int | None = None) -> Iterator[Record]:
        """Yield the records of a key and those without one, the last first, down to a time."""
        wanted = (key.encode(), b"")
        partition = catalog.partition_of(wanted[0], self._log.partitions(topic))
        seen = 0
        for piece in pieces_backwards(self._log, topic, partition):
            check()
            for record in reversed(piece):
                if since_ms is not None and record.at_ms < since_ms:
                    return
                if record.key in wanted:
                    yield record
            seen += len(piece)
            if seen > RECORDS_MAX:
                raise TooFarBack(f"Execution {key} isn't among the last {RECORDS_MAX} records of its part of {topic}")


def _lines_of(step: Step) -> _Lines:
    names: dict[str, str] = {}
    lines: list[tuple[str, int, LogLine]] = []
    for event in step.events:
        if isinstance(event, TaskRunCreated | TaskRunDecided):
            names[event.task_run_id] = event.task_id
        written: Any = getattr(event, "logs", ())
        lines += [(event.task_run_id, event.at_ms, line) for line in written]
    return _Lines(names, lines)


def _batches_of(step: Step) -> list[TaskRunCreated | ChildAsked | ChildFinished]:
    return [
        # Inputs aren't needed, and there may be many batches.
        replace(event, inputs_json=b"", trigger_json=b"", labels={}) if isinstance(event, ChildAsked) else event
        for event in step.events
        if isinstance(event, TaskRunCreated)
        or (isinstance(event, ChildAsked) and event.index >= 0)
        or (isinstance(event, ChildFinished) and event.outputs_json)
    ]


def _counted(created: Step, parts: Iterator[_Part | Claim]) -> Iterator[_Part]:
    """Yield the steps that count, by the reader's rule."""
    fold = AggregateFold(created.epoch)
    for part in parts:
        if isinstance(part, Claim):
            fold.claim(part.epoch)
        elif fold.counts(part.epoch, part.seq, part.events):
            yield part


def _engine_lines(created: Step, parts: list[_Part], wanted: Wanted) -> list[LogEntry]:
    """Return the lines of the steps that count, as workers would have sent them."""
    names: dict[str, str] = {}
    found: list[LogEntry] = []
    for part in parts:
        kept: _Lines = part.kept
        names |= kept.names
        for number, (task_run_id, at_ms, line) in enumerate(kept.lines):
            entry = LogEntry(
                id=f"{task_run_id}/e{part.seq}/{number}",
                execution_id=created.id,
                namespace=created.namespace,
                flow_id=created.flow,
                task_id=names.get(task_run_id, ""),
                task_run_id=task_run_id,
                attempt=1,
                at_ms=at_ms,
                level=line.level,
                thread="engine",
                message=line.message,
                number=number,
            )
            if wanted(entry):
                found.append(entry)
    return found
