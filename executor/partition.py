"""One partition of one kind: folded, claimed, then owned; its commands decided and appended as steps.

Owns the life of a partition in this process and the order of things: decide, append, acknowledged, effects, rows. The
only place that appends steps. It doesn't poll (`loop.py`), doesn't decide (`processor.py`) and writes nowhere else
(`effects.py`).
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from enum import Enum
from hashlib import blake2b
from typing import Any

import msgspec

from engine import machine
from engine.execution.commands import AbandonExecution
from engine.execution.events import TaskRunStarted
from engine.execution.state import HEADER, TaskRun
from engine.machine import SEQUENCE, Command, Effect, FireTimer, Row, Sequence, Timer
from executor.effects import Effects
from executor.processor import Processor
from executor.requests import Requests
from executor.state.ports import Store
from executor.state.purge import KEEP_MS, ended_index, purge
from executor.state.rows import AggregateRows, Changed, PartitionRows, Position
from executor.state.snapshot import Snapshots, restore
from executor.timers import Timers, timer_index
from topics import catalog
from topics.messages import Cause, Claim, Step
from topics.ports import Ack, FatalLogError, Log, LogError, Reader, Record, RecordTooLarge, Writer
from topics.ranges import read_range
from topics.serde import DecodeError, UnknownSchema, encode, encode_step, message_of
from topics.step_log import Lost, StepFold, StepWriter, step_message

HASH_EVERY = 100
"""Steps between two running hashes in the log: whoever folds notices a difference within so many steps."""
KILLS_MAX = 2
"""Times that a record may stop its partition before it goes to the dead letters."""

logger = logging.getLogger(__name__)


class Phase(Enum):
    """Where a partition is on the way to being owned."""

    FOLDING = "folding"
    CLAIMING = "claiming"
    OWNED = "owned"


class Broken(Exception):
    """The partition met a record it can't process; it is folded and claimed anew, and the record tried once more."""


class Unreadable(Exception):
    """The partition met a command that only a newer version can read: it waits for an executor of that version."""


class HashMismatch(Exception):
    """What this process folded isn't what the owner of the step log had: stop the partition, keep the evidence."""


class Ports(msgspec.Struct, frozen=True):
    """What the partitions of a process share."""

    log: Log
    writer: Writer
    tail: Reader
    """Reads step logs while partitions fold."""
    effects: Effects
    store: Store
    now_ms: Callable[[], int]
    claims: Iterator[int]
    """Numbers the claims of this process: a claim's owner is named once, so that nobody takes another's for his own."""
    keep_ms: int = KEEP_MS
    """How long rows of executions that ended well are kept."""


class Decided(msgspec.Struct):
    """A step on its way: what is to happen when it counts."""

    changed: Changed
    effects: list[tuple[str, Effect]]
    position: Position


class Partition:
    """One partition that the group gave to this process.

    Args:
        processor: Decides its commands.
        number: Which partition.
        ports: What it shares with the others.
        owner: Name of this process, unique among all that ever were; every claim adds a number to it.
    """

    def __init__(self, processor: Processor, number: int, ports: Ports, owner: str) -> None:
        self.kind = processor.aggregate.kind
        self.number = number
        self.phase = Phase.FOLDING
        self.inbox = 0
        """Next inbox offset to decide."""
        self.requests = Requests(processor.aggregate)
        self._processor = processor
        self._ports = ports
        self._owner = owner
        self._topic = catalog.events_of(self.kind)
        self.rows = PartitionRows(ports.store, processor.aggregate, number, self._index_keys)
        self.timers = Timers(self.rows)
        self._snapshots = Snapshots(
            ports.log, ports.writer, self.rows, catalog.snapshots_of(self.kind), number, self.requests.any_of
        )
        self._fold = StepFold()
        self._writer: StepWriter | None = None
        self._hash = b""
        self._end = 0
        self._claim: Claim | None = None
        self._claimed_at: int | None = None
        self._kills: defaultdict[int, list[str]] = defaultdict(list)
        """What went wrong each time that a record of the inbox stopped this partition, by offset."""

    # ---- folding and claiming -----------------------------------------------------------------------------------

    def reset(self) -> None:
        """Drop what was decided and not acknowledged, and begin to fold from the stored rows."""
        self.rows.forget_decided()
        position = self.rows.position()
        begin = self._ports.log.begin_offset(self._topic, self.number)
        end = self._ports.log.end_offset(self._topic, self.number)
        if not begin <= position.offset <= end or position.offset == 0:
            # Missing, older than what retention left, or newer than a log that lost its end in a power failure.
            position = self._restore(position, begin)
        self._fold = StepFold(position.epoch, position.owner, position.next_n, max(position.offset, begin))
        self.inbox = position.inbox
        self._hash = position.hash
        self._writer = None
        self._claim = None
        self._claimed_at = None
        self.phase = Phase.FOLDING
        self._end = end
        self._ports.tail.add(self._topic, self.number, self._fold.offset)

    def _restore(self, position: Position, begin: int) -> Position:
        """Load the last snapshot where the stored rows are no use; without one, fold from the beginning."""
        if position.offset:
            self.rows.clear()
            position = Position()
        if restore(self._ports.log, self.kind, self.number, self.rows):
            position = self.rows.position()
        elif begin > 0:
            raise FatalLogError(
                f"Expected {self._topic}/{self.number} from its first step or a snapshot, but retention left only "
                f"offset {begin} and later, and no snapshot. Start an executor that still has its state directory"
            )
        if position.offset < begin:
            raise FatalLogError(
                f"Expected {self._topic}/{self.number} from offset {position.offset}, where its snapshot ends, but "
                f"retention left only {begin} and later. Keep steps longer than executors may be away"
            )
        return position

    def folded(self, records: list[Record]) -> None:
        """Fold records of the step log, then write the rows once."""
        steps: list[Changed] = []
        for record in records:
            if record.offset != self._fold.offset:
                continue  # read again after a reset
            message = step_message(record)
            if not self._fold.counts(message, record.offset):
                continue
            if isinstance(message, Step):
                steps.append(self._fold_step(message, record))
            else:
                self._hash = b""  # each owner's steps are hashed by themselves: the next may encode rows differently
        self.rows.write(steps, self._position())

    def _fold_step(self, step: Step, record: Record) -> Changed:
        known = self.rows.layout + self._hash
        # An owner of another version, whose rows have other fields, hashes other bytes: nothing can be compared then.
        if step.hash is not None and step.hash != known and step.hash.startswith(self.rows.layout):
            raise HashMismatch(
                f"{self._topic}/{self.number}: folding step {step.n} (offset {record.offset}) found running hash "
                f"{known.hex()}, the log says {step.hash.hex()}: one of the last {HASH_EVERY} steps changed other "
                f"rows here than where it was written"
            )
        rows = self.rows.of(step.id)
        changed = machine.fold(self._processor.aggregate, rows, step.events)
        if changed:
            changed[SEQUENCE] = Sequence(next=step.seq + len(step.events))
        writes = rows.change(changed)
        self._hash = _chained(self._hash, record.value, writes)
        self.inbox = step.cause.offset + (step.cause.kind == "inbox")
        return writes

    def advance(self) -> bool:
        """Go one step further towards owning the partition; True if it is owned now."""
        if self.phase is Phase.FOLDING and self._fold.offset >= self._end:
            self._end = self._ports.log.end_offset(self._topic, self.number)
            if self._fold.offset >= self._end:
                self._claim = Claim(epoch=self._fold.epoch + 1, owner=f"{self._owner}/{next(self._ports.claims)}")
                self.phase = Phase.CLAIMING
                self._ports.writer.append(
                    self._topic,
                    self.number,
                    b"",
                    encode(self._claim),
                    context=(self, self._claim),
                    message=self._claim,
                )
        elif self.phase is Phase.CLAIMING and self._claimed_at is not None and self._fold.offset > self._claimed_at:
            assert self._claim is not None
            if self._fold.epoch == self._claim.epoch and self._fold.owner == self._claim.owner:
                self._own()
                return True
            self.reset()
        return False

    def _own(self) -> None:
        self._ports.tail.remove(self._topic, self.number)
        self._writer = StepWriter(
            self._ports.writer, self._topic, self.number, self._fold, step_message, self._read_gap
        )
        self.phase = Phase.OWNED
        now_ms = self._ports.now_ms()
        self.timers.reload()
        self.requests.reload(self.rows, now_ms)
        self._snapshots.start(now_ms)
        fold = self._fold
        logger.info("%s owns %s/%d: epoch %d, step %d", fold.owner, self.kind, self.number, fold.epoch, fold.next_n)

    def _read_gap(self, start: int, end: int) -> list[Record]:
        return list(read_range(self._ports.log, self._topic, self.number, start, end))

    # ---- deciding -----------------------------------------------------------------------------------------------

    def process(self, record: Record) -> None:
        """Decide a command of the inbox and append its step.

        Raises:
            Broken: If the engine met a bug; the record is tried once more, then it goes to the dead letters.
            Unreadable: If a newer version wrote it. To go on after it would lose a command, or a task's result.
        """
        if record.offset < self.inbox:
            return
        if not record.value and record.message is None:
            # Nothing was asked: somebody looked whether this partition takes records.
            self.inbox = record.offset + 1
            return
        aggregate_id = record.key.decode(errors="replace")
        try:
            command = message_of(record)
            if type(command) not in self._processor.aggregate.deciders:
                raise DecodeError(f"Expected a command of {self.kind}, but got {type(command).__name__}")
        except UnknownSchema as error:
            raise Unreadable(
                f"{record.topic}/{record.partition} at offset {record.offset} can't be read: {error}. Executions of "
                "this partition stand still, and nothing is lost; upgrade the executors, or start one of the version "
                "that wrote it"
            ) from error
        except DecodeError as error:
            self._bury(record, str(error))
            self.inbox = record.offset + 1
            return
        cause = Cause(kind="inbox", offset=record.offset, request=command.request)
        if len(self._kills.get(record.offset, ())) >= KILLS_MAX:
            why = self._kills[record.offset][-1]
            self._bury(record, why)
            self._abandon(aggregate_id, record, cause, f"The engine can't process a command: {why}")
            self.inbox = record.offset + 1
            return
        try:
            self._decide(aggregate_id, command, record.at_ms, cause, record.offset + 1)
        except (Lost, LogError) as error:
            if not isinstance(error, RecordTooLarge):
                raise
            self._abandon(aggregate_id, record, cause, f"A step of this execution is too large: {error}")
        except Exception as bug:
            why = f"{type(bug).__name__}: {bug}"
            self._kills[record.offset].append(why)
            logger.exception("a bug met %s of %s at offset %d", type(command).__name__, aggregate_id, record.offset)
            raise Broken(why) from bug
        self.inbox = max(self.inbox, record.offset + 1)

    def fire(self, due_ms: int, aggregate_id: str, timer_id: str) -> None:
        """Decide what a due timer brings."""
        command = FireTimer(timer_id=timer_id, generation=due_ms)
        cause = Cause(kind="timer", offset=self.inbox, timer=timer_id)
        self._decide(aggregate_id, command, self._ports.now_ms(), cause, self.inbox)

    def _decide(self, aggregate_id: str, command: Command, at_ms: int, cause: Cause, inbox: int) -> None:
        assert self._writer is not None
        rows = self.rows.of(aggregate_id)
        result = self._processor.process(aggregate_id, rows, command, at_ms)
        effects = [(aggregate_id, effect) for effect in result.effects]
        if not result.events and not command.request:
            self._release_after_pending(effects)
            return
        self._append(aggregate_id, rows, command, result, About(at_ms, cause, inbox, effects))

    def _append(
        self, aggregate_id: str, rows: AggregateRows, command: Command, result: machine.Step, about: About
    ) -> None:
        writer = self._writer
        assert writer is not None
        sequence: Sequence | None = rows.get(SEQUENCE)
        named = self._processor.named(aggregate_id, rows, command)
        step = Step(
            epoch=writer.epoch,
            n=writer.next_n,
            cause=about.cause,
            id=aggregate_id,
            seq=sequence.next if sequence else 0,
            at_ms=about.at_ms,
            namespace=named.namespace,
            flow=named.flow,
            revision=named.revision,
            events=result.events,
            hash=self.rows.layout + self._hash if writer.next_n % HASH_EVERY == 0 else None,
        )
        value = encode_step(self.kind, step)
        changed = dict(result.changed)
        if changed:
            changed[SEQUENCE] = Sequence(next=step.seq + len(step.events))
        durable = bool(command.request) or any(isinstance(event, TaskRunStarted) for event in result.events)
        written = rows.change(changed)
        self._hash = _chained(self._hash, value, written)
        position = Position(0, step.epoch, self._fold.owner, step.n + 1, about.inbox, self._hash)
        writer.append(step, value, Decided(written, about.effects, position), durable=durable)

    def _release_after_pending(self, effects: list[tuple[str, Effect]]) -> None:
        assert self._writer is not None
        pending = self._writer.last_pending
        if pending is None:
            for aggregate_id, effect in effects:
                self._release(aggregate_id, effect)
        else:
            pending.payload.effects.extend(effects)

    def _bury(self, record: Record, error: str) -> None:
        logger.error(
            "%s/%d offset %d goes to the dead letters: %s", record.topic, record.partition, record.offset, error
        )
        self._ports.effects.bury(record, error, self._ports.now_ms())

    def _abandon(self, aggregate_id: str, record: Record, cause: Cause, error: str) -> None:
        """End the execution of a record that can't be processed, so that its users see it."""
        if AbandonExecution in self._processor.aggregate.deciders:
            command = AbandonExecution(error=error, request=cause.request)
            self._decide(aggregate_id, command, record.at_ms, cause, record.offset + 1)

    # ---- acknowledged -------------------------------------------------------------------------------------------

    def acknowledged(self, acks: list[Ack]) -> None:
        """Take acknowledgements of this partition's records in: effects leave, then rows are written.

        Raises:
            Lost: If the partition has another owner now, or a write's fate is unknown.
        """
        counted: list[Decided] = []
        try:
            for ack in acks:
                if isinstance(ack.context[0], Snapshots):
                    if ack.context[0] is self._snapshots:
                        self._snapshots.acknowledged(ack, self._ports.now_ms())
                elif isinstance(ack.context[1], Claim):
                    self._claim_acknowledged(ack)
                elif ack.context[0] is self._writer:
                    assert self._writer is not None
                    decided: Decided = self._writer.acknowledged(ack).payload
                    decided.position.offset = self._fold.offset
                    counted.append(decided)
                    for aggregate_id, effect in decided.effects:
                        self._release(aggregate_id, effect)
        finally:
            if counted:
                self._write(counted)

    def _write(self, counted: list[Decided]) -> None:
        # Not the fold's own position: after a loss the fold stands behind records that no row here knows of.
        self.rows.write([decided.changed for decided in counted], counted[-1].position)
        now_ms = self._ports.now_ms()
        for decided in counted:
            aggregate_id, rows = decided.changed.aggregate.id, decided.changed.rows
            self._snapshots.note(aggregate_id, rows)
            self.requests.note(aggregate_id, rows, now_ms)
            # Not when they were decided: one that lies beyond what the timers have loaded would be neither there nor in
            # the store if they load on before it is written.
            for key, row in rows.items():
                if isinstance(row, Timer):
                    self.timers.note(aggregate_id, key[2:], row.due_ms)

    def _claim_acknowledged(self, ack: Ack) -> None:
        if ack.context[1] is not self._claim:
            return
        if ack.offset is None:
            raise Lost(f"the fate of the claim of {self._topic}/{self.number} is unknown: {ack.error}")
        self._claimed_at = ack.offset

    def _release(self, aggregate_id: str, effect: Effect) -> None:
        self._ports.effects.release(aggregate_id, effect, self._build_job)

    def _build_job(self, execution_id: str, task_run_id: str) -> Any:
        return self._processor.job(execution_id, self.rows.of(execution_id), task_run_id, self._ports.now_ms())

    def sweep(self, now_ms: int) -> None:
        """Say again what is outstanding and due; write a snapshot when its time has come; let old rows go."""
        if now_ms >= self._snapshots.due_ms and not self.in_flight:
            self._snapshots.write(self._position(), now_ms)
        if not self.in_flight:
            purge(self.rows, now_ms - self._ports.keep_ms, self.requests.any_of)
        for aggregate_id, key, row, effect in self.requests.due(now_ms):
            if isinstance(row, TaskRun) and self._is_over(aggregate_id):
                self.requests.drop(aggregate_id, key)
            else:
                self._release(aggregate_id, effect)

    def give_away(self, is_gone: Callable[[str], bool]) -> None:
        """Tell executions of attempts whose worker is gone; those of executions that are over are forgotten."""
        for execution_id, key, run in self.requests.held():
            if not is_gone(run.worker_id):
                continue
            if self._is_over(execution_id):
                self.requests.drop(execution_id, key)
            else:
                self._ports.effects.lose(execution_id, run.id, run.epoch, run.worker_id)

    def _is_over(self, execution_id: str) -> bool:
        header = self.rows.of(execution_id).get(HEADER)
        return header is None or header.settled

    def _index_keys(self, aggregate_id: str, key: str, row: Row) -> tuple[bytes, ...]:
        if isinstance(row, Timer):
            return timer_index(aggregate_id, key, row)
        if key == HEADER:
            return ended_index(aggregate_id, row)
        return self.requests.index(aggregate_id, key, row)

    @property
    def in_flight(self) -> int:
        """Steps appended and not acknowledged yet."""
        return self._writer.in_flight if self._writer is not None else 0

    def close(self) -> None:
        """Stop reading for this partition; what is stored stays."""
        if self.phase is not Phase.OWNED:
            self._ports.tail.remove(self._topic, self.number)

    def _position(self) -> Position:
        fold = self._fold
        return Position(fold.offset, fold.epoch, fold.owner, fold.next_n, self.inbox, self._hash)


class About(msgspec.Struct):
    """What goes with a decided step besides its events."""

    at_ms: int
    cause: Cause
    inbox: int
    effects: list[tuple[str, Effect]]


def _chained(before: bytes, value: bytes, writes: Changed) -> bytes:
    digest = blake2b(before, digest_size=16)
    digest.update(value)
    for key, data in writes.writes.items():
        digest.update(key)
        if data is not None:
            digest.update(data)
    return digest.digest()
