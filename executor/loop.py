"""The executor's loop: polls, hands records to partitions, takes acknowledgements in, fires timers.

Owns the order of a pass and the bounds of its batches. It knows no command and no event.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Any

import msgspec

from engine.execution.draft import Setting
from engine.trigger.step import TRIGGERS
from executor.effects import Effects
from executor.flows import Flows
from executor.leases import LEASE_MS, Leases
from executor.partition import Broken, Partition, Phase, Ports, Unreadable
from executor.processor import AGGREGATES, Processor
from executor.state.ports import Store
from executor.state.purge import KEEP_MS
from topics import catalog
from topics.ports import Ack, Log, LogError
from topics.step_log import Lost

GROUP = "executors"
BATCH_MAX = 500
"""Commands per pass: some 50 ms of work, so that timers and acknowledgements aren't kept waiting."""
IN_FLIGHT_MAX = 2_000
"""Steps without acknowledgement before a process reads on: some 2 MB."""
SWEEP_MS = 1_000
"""How often leases and outstanding requests are looked through."""
ACK_WAIT_S = 0.05
AGAIN_MS = 1_000
"""Pause before a partition that broke twice in a row is claimed again: a disk that is full, or brokers that are gone,
stay so for a while. The first time it is claimed at once, as most failures pass."""
UPGRADE_MS = 30_000
"""Pause before a partition is claimed again that holds what only a newer version can read: time doesn't help, but the
log of the process is to say so again, and a schema registry may know more by then."""
UNASSIGNED_WAIT_S = 0.02
"""A pass without partitions waits no longer: an assignment comes within `poll`, and has to be folded then."""

logger = logging.getLogger(__name__)


class ExecutorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator may set of an executor."""

    name: str
    """Unique among all processes that ever were (host, process id and start time, say); part of every claim."""
    lease_ms: int = LEASE_MS
    standby: bool = False
    """Fold the partitions of others too, so that a takeover has only seconds of the log to read."""
    setting: Setting = Setting(flow=None)
    keep_ms: int = KEEP_MS
    """How long rows of executions that ended well are kept."""
    triggers: bool = True
    """False: nothing goes by time and no flow hears of another, as in a process that runs one flow and ends."""


class Clocks(msgspec.Struct, frozen=True):
    """The two clocks of a process, in milliseconds."""

    now_ms: Callable[[], int]
    monotonic_ms: Callable[[], int]


class Executor:
    """Runs the partitions that its consumer group gives to it.

    Args:
        log: The log.
        store: Where rows are kept.
        settings: What an operator set.
        clocks: Wall clock (for due times) and monotonic clock (for leases).
    """

    def __init__(self, log: Log, store: Store, settings: ExecutorSettings, clocks: Clocks) -> None:
        self._settings = settings
        self._clocks = clocks
        self._writer = log.writer()
        self._tail = log.reader()
        self._flows = Flows(log)
        self._leases = Leases(log, clocks.monotonic_ms, settings.lease_ms)
        effects = Effects(log, self._writer)
        self._ports = Ports(log, self._writer, self._tail, effects, store, clocks.now_ms, count(1), settings.keep_ms)
        listeners = self._flows.listeners if settings.triggers else None
        setting = msgspec.structs.replace(settings.setting, listeners=listeners)
        self._processors = {
            catalog.inbox_of(kind): Processor(aggregate, self._flows.get, setting)
            for kind, aggregate in AGGREGATES.items()
            if settings.triggers or aggregate is not TRIGGERS
        }
        self.partitions: dict[tuple[str, int], Partition] = {}
        """By inbox topic and number."""
        self._standby: dict[tuple[str, int], Partition] = {}
        """Partitions of others that are folded here as well."""
        self._by_tail: dict[tuple[str, int], Partition] = {}
        self._taken_back_ms: dict[tuple[str, int], int] = {}
        """When each partition was last taken back."""
        self._resting: dict[tuple[str, int], int] = {}
        """Until when those that broke again and again aren't claimed."""
        self._sweep_ms = 0
        self._stopping = threading.Event()
        if settings.standby:
            for inbox in self._processors:
                for number in range(log.partitions(inbox)):
                    self._fold_along(inbox, number)
        self._reader = log.group(GROUP, tuple(self._processors), self._assigned, self._revoked)

    def run(self) -> None:
        """Run until `stop`; what is on its way is finished."""
        while not self._stopping.is_set():
            self.run_once(1.0)
        self.close()

    def stop(self) -> None:
        """Make `run` return after this pass. Any thread may call it."""
        self._stopping.set()
        self._reader.wake()

    def close(self) -> None:
        """Wait for what is in flight, leave the group, release everything."""
        for _ in range(100):
            if not self._take_acks(ACK_WAIT_S) and not any(p.in_flight for p in self.partitions.values()):
                break
        self._reader.close()
        self._flows.close()
        self._leases.close()
        self._tail.close()
        self._writer.close()

    def run_once(self, timeout_s: float) -> int:
        """Make one pass, waiting at most `timeout_s` if there is nothing to do; return how many things were done."""
        done = self._take_acks(0.0)
        done += self._advance()
        done += self._fire_timers()
        self._sweep()
        if self._in_flight() >= IN_FLIGHT_MAX:
            return done + self._take_acks(ACK_WAIT_S)
        records = self._reader.poll(BATCH_MAX, 0.0 if done else self._wait_s(timeout_s))
        self._flows.begin_pass()
        if records:
            # Whoever was saved before these commands were given listens to what they bring about.
            self._flows.poll()
        with self._writer.together():
            for record in records:
                partition = self.partitions.get((record.topic, record.partition))
                if partition is not None and partition.phase is Phase.OWNED:
                    with _Guard(self, partition):
                        partition.process(record)
        while self._in_flight():
            taken = self._take_acks(ACK_WAIT_S)
            done += taken
            if not taken:
                break
        return done + len(records)

    def _in_flight(self) -> int:
        return sum(partition.in_flight for partition in self.partitions.values())

    def _wait_s(self, timeout_s: float) -> float:
        """Return how long a pass may wait: not past the next timer or sweep, hardly while partitions are on the way."""
        if not self.partitions:
            return min(timeout_s, UNASSIGNED_WAIT_S)
        now_ms, monotonic_ms = self._clocks.now_ms(), self._clocks.monotonic_ms()
        wait_ms = timeout_s * 1000
        for key, partition in self.partitions.items():
            if partition.phase is not Phase.OWNED:
                rest_ms = self._resting.get(key, 0) - monotonic_ms
                if rest_ms <= 0:
                    return min(timeout_s, 0.005)
                wait_ms = min(wait_ms, rest_ms)
                continue
            wait_ms = min(wait_ms, partition.timers.next_ms() - now_ms)
        if self._in_flight():
            return 0.0
        return max(wait_ms, 0.0) / 1000

    # ---- acknowledgements ---------------------------------------------------------------------------------------

    def _take_acks(self, timeout_s: float) -> int:
        acks = [ack for ack in self._writer.poll(timeout_s) if ack.context is not None]
        by_partition: dict[tuple[str, int], list[Ack]] = defaultdict(list)
        for ack in acks:
            by_partition[(ack.topic, ack.partition)].append(ack)
        with self._writer.together():
            for (topic, number), own in by_partition.items():
                partition = self.partitions.get((_inbox_beside(topic), number))
                if partition is not None:
                    with _Guard(self, partition):
                        partition.acknowledged(own)
        return len(acks)

    # ---- owning -------------------------------------------------------------------------------------------------

    def _fold_along(self, inbox: str, number: int) -> None:
        partition = Partition(self._processors[inbox], number, self._ports, self._settings.name)
        self._standby[(inbox, number)] = partition
        self._by_tail[(catalog.events_of(partition.kind), number)] = partition
        partition.reset()

    def _assigned(self, pairs: Sequence[tuple[str, int]]) -> None:
        for topic, number in pairs:
            if (topic, number) not in self._standby:
                self._fold_along(topic, number)
            self.partitions[(topic, number)] = self._standby.pop((topic, number))

    def _revoked(self, pairs: Sequence[tuple[str, int]]) -> None:
        for topic, number in pairs:
            partition = self.partitions.pop((topic, number), None)
            if partition is None:
                continue
            del self._by_tail[(catalog.events_of(partition.kind), number)]
            partition.close()
            if self._settings.standby:
                self._fold_along(topic, number)

    def _advance(self) -> int:
        """Fold partitions that aren't owned (yet), and claim those that were assigned."""
        if not self._standby and all(partition.phase is Phase.OWNED for partition in self.partitions.values()):
            return 0
        records = self._tail.poll(BATCH_MAX, 0.0)
        batches: dict[tuple[str, int], list[Any]] = defaultdict(list)
        for record in records:
            batches[(record.topic, record.partition)].append(record)
        for key, batch in batches.items():
            partition = self._by_tail.get(key)
            if partition is not None and partition.phase is not Phase.OWNED:
                partition.folded(batch)
        moved = len(records)
        now_ms = self._clocks.monotonic_ms()
        for (topic, number), partition in list(self.partitions.items()):
            if partition.phase is Phase.OWNED or self._resting.get((topic, number), now_ms) > now_ms:
                continue
            if partition.advance():
                self._reader.start(topic, number, partition.inbox)
                moved += 1
        return moved

    def take_back(self, partition: Partition, why: Exception) -> None:
        """Fold a partition anew after it was lost or broke; it is claimed again if it is still assigned."""
        key = (catalog.inbox_of(partition.kind), partition.number)
        now_ms = self._clocks.monotonic_ms()
        again = now_ms - self._taken_back_ms.get(key, -2 * AGAIN_MS) < 2 * AGAIN_MS
        rest_ms = AGAIN_MS if again else 0
        if isinstance(why, Unreadable):
            rest_ms = UPGRADE_MS
            logger.error("%s/%d is stopped for %d s: %s", partition.kind, partition.number, rest_ms // 1000, why)
        else:
            # The first failures are told, and that it is owned again; in between the log would fill with one line.
            level = logging.DEBUG if again and key in self._resting else logging.WARNING
            logger.log(level, "%s/%d is folded and claimed again: %s", partition.kind, partition.number, why)
        self._taken_back_ms[key] = now_ms
        self._resting.pop(key, None)
        if rest_ms:
            self._resting[key] = now_ms + rest_ms
        if self.partitions.get(key) is partition:
            self._reader.pause(*key)
            partition.reset()

    # ---- time ---------------------------------------------------------------------------------------------------

    def owned(self) -> Iterable[Partition]:
        """Return the partitions that this process decides for now."""
        return [partition for partition in self.partitions.values() if partition.phase is Phase.OWNED]

    def _fire_timers(self) -> int:
        now_ms = self._clocks.now_ms()
        fired = 0
        for partition in self.owned():
            with _Guard(self, partition):
                for due_ms, aggregate_id, timer_id in partition.timers.due(now_ms):
                    partition.fire(due_ms, aggregate_id, timer_id)
                    fired += 1
        return fired

    def _sweep(self) -> None:
        """Look through leases and outstanding requests, once in a while."""
        now_ms = self._clocks.monotonic_ms()
        if now_ms < self._sweep_ms:
            return
        self._sweep_ms = now_ms + SWEEP_MS
        self._flows.poll()
        self._leases.poll()
        for partition in self.owned():
            partition.give_away(self._leases.is_gone)
            partition.sweep(self._clocks.now_ms())


class _Guard:
    """Takes a partition back when it was lost or broke, and lets every other error through."""

    def __init__(self, executor: Executor, partition: Partition) -> None:
        self._executor = executor
        self._partition = partition

    def __enter__(self) -> None:
        """Nothing to begin."""

    def __exit__(self, kind: Any, error: Any, _trace: Any) -> bool:
        again = isinstance(error, Lost | Broken | Unreadable) or (isinstance(error, LogError) and error.retriable)
        if again:
            self._executor.take_back(self._partition, error)
        return again


_INBOXES = {
    topic: catalog.inbox_of(kind)
    for kind in AGGREGATES
    for topic in (catalog.events_of(kind), catalog.snapshots_of(kind))
}


def _inbox_beside(topic: str) -> str:
    """Return the inbox of the aggregate whose steps or snapshots are on `topic`."""
    return _INBOXES[topic]
