"""The worker protocol as a state machine: doorbell, claim, grant, run, report; heartbeats and the lease.

Owns which attempts this process holds and what it tells the executors about them. It runs nothing (that is the
`Runner`'s) and waits for nothing: `run_once` looks once at every source, which is how a simulation drives it;
`worker/threads.py` calls the same pieces from threads, one at a time.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from engine.execution import commands as c
from engine.execution.job import job_from_json
from engine.machine import Command
from engine.values import State
from topics import catalog, serde
from topics.messages import Cancel, Discard, Doorbell, Drop, Grant, Heartbeat, WorkerLeaving
from topics.ports import Ack, Log, LogError, Record, RecordTooLarge
from worker.held import Held, Phase
from worker.ports import AttemptKey, Clock, Ended, Runner, WorkerSettings

logger = logging.getLogger(__name__)

INBOX_BATCH = 256
"""Records of one poll: more than a worker has slots, so one poll empties what waits for it."""

OVER_MAX = 10_000
"""Ended attempts that a worker remembers, some 2 MB: doorbells repeat within minutes, if at all."""

AHEAD_MAX = 3
"""For each slot no more than this is claimed ahead."""

ERROR_CHARACTERS_MAX = 10_000
"""What a report says about an error; the whole text stands in the logs."""


class Worker:
    """One worker's side of the protocol.

    Not thread-safe: callers take turns.

    Args:
        log: Where doorbells and grants come from and claims and reports go to.
        settings: Numbers.
        runner: Runs the attempts.
        clock: Both clocks.
    """

    def __init__(self, log: Log, settings: WorkerSettings, runner: Runner, clock: Clock) -> None:
        self.settings = settings
        self.id = settings.worker_id
        self._key = self.id.encode()
        self._runner = runner
        self._clock = clock
        self._partitions = log.partitions(catalog.EXECUTIONS_INBOX)
        self._held: dict[AttemptKey, Held] = {}
        self._over: dict[AttemptKey, None] = {}
        """Attempts that ended or were given up here: a doorbell that comes again must not make it claim them again, as
        an executor that hasn't heard of the end yet would grant them once more."""
        self._busy = 0
        """How many of the held are claimed, granted or running."""
        self._running = 0
        self._waiting: deque[Held] = deque()
        """Granted ones in their order; those that were given up meanwhile are still among them."""
        self._ends: deque[float] = deque()
        """When attempts ended, within `ahead_s`."""
        self._stop_at: float | None = None
        self._killed_for_stop = False
        self._leaving_at: float | None = None
        self.stopped = False
        """True once `stop` has come to its end."""
        self.writer = log.writer()
        inbox = catalog.partition_of(self._key, log.partitions(catalog.WORKERS_INBOX))
        self.inbox = log.reader()
        self.inbox.add(catalog.WORKERS_INBOX, inbox, log.end_offset(catalog.WORKERS_INBOX, inbox))
        self.jobs = log.jobs(catalog.jobs_of(settings.queue), f"workers.{settings.queue}")
        now = clock.monotonic()
        self._lease_at = now
        self._lease_lost = False
        self._heartbeat_at = now

    # What a driver calls ---------------------------------------------------------------------------------------------

    def run_once(self, timeout_s: float = 0.0) -> bool:
        """Look once at every source; wait up to `timeout_s` for the inbox if nothing else is there to do.

        Returns:
            True if anything came in.
        """
        self.tick()
        free = self.free_slots
        doorbells = self.jobs.take(free, 0.0) if free else []
        self.ring(doorbells)
        ended = self.finish()
        self.flush()
        heard = self.inbox.poll(INBOX_BATCH, 0.0 if doorbells or ended else timeout_s)
        self.hear(heard)
        ended += self.finish()
        self.flush()
        return bool(doorbells or heard or ended)

    @property
    def free_slots(self) -> int:
        """How many doorbells it may take, those ahead included; none while it stops or has no lease."""
        if self._stop_at is not None or self._lease_lost:
            return 0
        long_ago = self._clock.monotonic() - self.settings.ahead_s
        while self._ends and self._ends[0] < long_ago:
            self._ends.popleft()
        slots = self.settings.slots
        return max(slots + min(len(self._ends), slots * AHEAD_MAX) - self._busy, 0)

    @property
    def busy(self) -> int:
        """How many attempts are claimed, granted or running."""
        return self._busy

    @property
    def leaving(self) -> bool:
        """True while a stopped worker only waits for its last acknowledgements."""
        return self._leaving_at is not None and not self.stopped

    def ring(self, doorbells: Sequence[Record]) -> None:
        """Claim what the doorbells tell of, and have the folders removed that are of no use any more."""
        if not doorbells:
            return
        self._check_lease()
        now = self._clock.monotonic()
        for record in doorbells:
            bell = _message(record)
            if isinstance(bell, Discard):
                self._runner.discard(bell.folder)
            if not isinstance(bell, Doorbell):
                continue
            key = (bell.execution_id, bell.task_run_id, bell.epoch)
            if key in self._held or key in self._over:
                continue
            partition = catalog.partition_of(bell.execution_id.encode(), self._partitions)
            held = Held(key, partition, now, now + self.settings.claim_repeat_s)
            self._held[key] = held
            self._busy += 1
            self._claim(held)
            if self._stop_at is not None or self._lease_lost:
                # The doorbell is off its queue already; claimed and handed back it comes to somebody else at once.
                self._hand_back(held, started=False)

    def hear(self, records: Sequence[Record]) -> None:
        """Take in what executors answered."""
        messages = [_message(record) for record in records if record.key == self._key]
        if not messages:
            return
        # A process that slept may find a grant that has been given to somebody else since.
        self._check_lease()
        cancelled = {_key_of(message) for message in messages if isinstance(message, Cancel)}
        for message in messages:
            if isinstance(message, Grant):
                if _key_of(message) not in cancelled:  # it isn't begun only to be stopped
                    self._granted(message)
            elif isinstance(message, Drop):
                self._dropped(message)
            elif isinstance(message, Cancel):
                self._cancelled(message)

    def finish(self) -> int:
        """Report what the runner has ended; return how many."""
        ends = self._runner.ended()
        for end in ends:
            self._ended(end)
        return len(ends)

    def flush(self) -> None:
        """Hand appended records to the log, and take in acknowledgements."""
        for ack in self.writer.poll(0.0):
            self._acknowledged(ack)

    def tick(self) -> None:
        """Do what is due: heartbeat, lease, repeats, the end of a stop."""
        self.flush()
        now = self._clock.monotonic()
        self._check_lease()
        if now >= self._heartbeat_at and self._leaving_at is None:
            # After the goodbye a heartbeat would say that the worker came back.
            self._beat(now)
        for held in list(self._held.values()):
            if now >= held.repeat_at:
                self._repeat(held, now)
        if self._stop_at is not None:
            self._go_on_stopping(now)

    def next_due(self) -> float:
        """Return the monotonic time of the next thing that `tick` has to do."""
        due = self._heartbeat_at
        if not self._lease_lost:
            due = min(due, self._lease_at + self.settings.lease_s)
        for held in self._held.values():
            due = min(due, held.repeat_at)
        if self._leaving_at is not None:
            due = min(due, self._leaving_at)
        elif self._stop_at is not None and not self._killed_for_stop:
            due = min(due, self._stop_at)
        return due

    def stop(self, grace_s: float) -> None:
        """Take no more, hand back what hasn't begun, let the rest run for `grace_s` seconds, then kill it.

        `tick` goes on with it until `stopped` is true.
        """
        now = self._clock.monotonic()
        if self._stop_at is not None:
            self._stop_at = min(self._stop_at, now + grace_s)
            return
        self._stop_at = now + grace_s
        for held in list(self._held.values()):
            if not held.begun:
                self._hand_back(held, started=False)
        self.tick()
        self.flush()

    def close(self) -> None:
        """Release what the worker has opened on the log."""
        self.jobs.close()
        self.inbox.close()
        self.writer.close()

    # Answers of executors --------------------------------------------------------------------------------------------

    def _granted(self, grant: Grant) -> None:
        key = (grant.execution_id, grant.task_run_id, grant.epoch)
        held = self._held.get(key)
        if held is None:
            # Given up, or handed back: as a worker's id is never used twice, it can't have begun here. Had it ended
            # here, its report would lie before this answer, which then counts for nothing.
            self._disown(key, started=False)
            return
        if held.phase is not Phase.CLAIMED:
            return
        try:
            held.job = job_from_json(grant.job_json)
        except Exception as error:
            self._begin(held)
            self._ended(Ended(key, State.FAILED, error=f"The job can't be read: {error}"))
            return
        held.phase = Phase.GRANTED
        held.repeat_at = self._clock.monotonic() + self.settings.slot_bound_s
        self._waiting.append(held)
        self._fill_slots()

    def _fill_slots(self) -> None:
        """Start what waits, as far as there are slots."""
        if not self._waiting or self._running >= self.settings.slots:
            return
        # Somebody else has what waits, if this process slept meanwhile.
        self._check_lease()
        while self._waiting and self._running < self.settings.slots:
            held = self._waiting.popleft()
            if held.phase is Phase.GRANTED:
                assert held.job is not None
                job, held.job = held.job, None
                self._begin(held)
                self._runner.start(held.key, job)

    def _begin(self, held: Held) -> None:
        held.phase = Phase.RUNNING
        held.repeat_at = _NEVER
        self._running += 1

    def _dropped(self, drop: Drop) -> None:
        held = self._held.get((drop.execution_id, drop.task_run_id, drop.epoch))
        if held is not None and held.phase is Phase.CLAIMED:
            self._forget(held)

    def _cancelled(self, cancel: Cancel) -> None:
        key = (cancel.execution_id, cancel.task_run_id, cancel.epoch)
        held = self._held.get(key)
        if held is None:
            self._disown(key, started=True)
        elif not held.begun:
            self._hand_back(held, started=False)
        elif held.phase is Phase.RUNNING:
            self._runner.kill(key, at_once=False)

    # Ends ------------------------------------------------------------------------------------------------------------

    def _ended(self, end: Ended) -> None:
        held = self._held.get(end.key)
        if held is None or held.phase is not Phase.RUNNING:
            return
        if held.gone:
            self._hand_back(held, started=True)
            return
        report = c.ReportTaskEnded(
            task_run_id=end.key[1],
            epoch=end.key[2],
            worker_id=self.id,
            state=end.state,
            outputs_json=end.outputs_json,
            # A lone surrogate (from a file name, say) has no bytes.
            error=end.error[:ERROR_CHARACTERS_MAX].encode("utf-8", "replace").decode(),
        )
        self._let_go(held, report)

    def _report(self, held: Held) -> None:
        held.repeat_at = self._clock.monotonic() + self.settings.report_repeat_s
        assert held.report is not None
        try:
            self._append(held, held.report, durable=True)
        except RecordTooLarge as error:
            held.report = c.ReportTaskEnded(
                task_run_id=held.key[1],
                epoch=held.key[2],
                worker_id=self.id,
                state=State.FAILED,
                error=f"The outputs are too large: {error} Write them to a file and list it in outputFiles.",
            )
            self._append(held, held.report, durable=True)

    def _hand_back(self, held: Held, *, started: bool) -> None:
        """Tell that this worker won't report the attempt; whoever is free may have it, if the policy says so."""
        lost = c.AttemptLost(task_run_id=held.key[1], epoch=held.key[2], worker_id=self.id, started=started)
        self._let_go(held, lost)

    def _disown(self, key: AttemptKey, *, started: bool) -> None:
        """Hand back an attempt that this worker doesn't hold but an executor thinks it does."""
        now = self._clock.monotonic()
        held = Held(key, catalog.partition_of(key[0].encode(), self._partitions), now, _NEVER)
        self._held[key] = held
        self._busy += 1
        self._hand_back(held, started=started)

    def _let_go(self, held: Held, report: Command) -> None:
        """Free the slot and send the report, again and again until the log has acknowledged it."""
        self._busy -= 1
        if held.phase is Phase.RUNNING:
            self._running -= 1
            self._ends.append(self._clock.monotonic())
        held.job = None
        self._over[held.key] = None
        if len(self._over) > OVER_MAX:
            del self._over[next(iter(self._over))]
        held.phase = Phase.REPORTED
        held.report = report
        self._report(held)
        self._fill_slots()

    def _forget(self, held: Held) -> None:
        if held.phase is not Phase.REPORTED:
            self._busy -= 1
        del self._held[held.key]

    # Time ------------------------------------------------------------------------------------------------------------

    def _beat(self, now: float) -> None:
        self._heartbeat_at = now + self.settings.heartbeat_s
        beat = Heartbeat(
            worker_id=self.id,
            at_ms=self._clock.wall_ms(),
            slots=self.settings.slots,
            running=self._busy,
            queue=self.settings.queue,
            version=self.settings.version,
        )
        try:
            self.writer.append(
                catalog.WORKERS_LEASES, 0, self._key, serde.encode(beat), durable=False, context=now, message=beat
            )
        except LogError as error:
            logger.warning("a heartbeat could not be sent, the lease runs on: %s", error)

    def _check_lease(self) -> None:
        """Give everything up when executors must take this worker for dead: they give its attempts to others."""
        if self._lease_lost or self._clock.monotonic() - self._lease_at < self.settings.lease_s:
            return
        self._lease_lost = True
        logger.error(
            "no heartbeat was acknowledged for %.0f s: the lease is lost; %d attempts end here, others get them",
            self.settings.lease_s,
            self._busy,
        )
        for held in list(self._held.values()):
            if not held.begun:
                self._hand_back(held, started=False)
            elif held.phase is Phase.RUNNING:
                held.gone = True
                self._runner.kill(held.key, at_once=True)

    def _repeat(self, held: Held, now: float) -> None:
        if held.phase is Phase.CLAIMED:
            if now - held.since >= self.settings.claim_bound_s:
                logger.warning("no answer to the claim of %s for %.0f s, it is handed back", held.key, now - held.since)
                self._hand_back(held, started=False)
            else:
                held.repeat_at = now + self.settings.claim_repeat_s
                self._claim(held)
        elif held.phase is Phase.GRANTED:
            # The attempts before it take longer than those that it was claimed after: others may have a free slot.
            self._hand_back(held, started=False)
        elif held.phase is Phase.REPORTED:
            self._report(held)

    def _go_on_stopping(self, now: float) -> None:
        assert self._stop_at is not None
        if now >= self._stop_at and not self._killed_for_stop:
            self._killed_for_stop = True
            for held in self._held.values():
                if held.phase is Phase.RUNNING:
                    held.gone = True
                    self._runner.kill(held.key, at_once=False)
        if self._busy or self.stopped:
            return
        if self._leaving_at is None:
            self._leaving_at = now + self.settings.leave_bound_s
            leaving = WorkerLeaving(worker_id=self.id, at_ms=self._clock.wall_ms())
            try:
                self.writer.append(
                    catalog.WORKERS_LEASES, 0, self._key, serde.encode(leaving), durable=False, message=leaving
                )
            except LogError as error:
                logger.warning("could not say goodbye, executors wait for the lease to end: %s", error)
            self.flush()
        if (not self._held and not self.writer.outstanding) or now >= self._leaving_at:
            self.stopped = True

    # The log ---------------------------------------------------------------------------------------------------------

    def _claim(self, held: Held) -> None:
        claim = c.ClaimAttempt(task_run_id=held.key[1], epoch=held.key[2], worker_id=self.id)
        self._append(held, claim, durable=False)

    def _append(self, held: Held, command: Command, *, durable: bool) -> None:
        """Append a command about an attempt; if the log can't take it now, `tick` repeats it."""
        try:
            self.writer.append(
                catalog.EXECUTIONS_INBOX,
                held.partition,
                held.key[0].encode(),
                serde.encode(command),
                durable=durable,
                context=held if held.phase is Phase.REPORTED else None,
                message=command,
            )
        except LogError as error:
            if not error.retriable:
                raise
            logger.warning("%s could not be sent, it is repeated: %s", type(command).__name__, error)

    def _acknowledged(self, ack: Ack) -> None:
        context = ack.context
        if isinstance(context, Held):
            if ack.offset is not None:
                if self._held.get(context.key) is context:
                    self._forget(context)
            else:
                logger.warning("a report was not acknowledged, it is repeated: %s", ack.error)
        elif isinstance(context, float) and ack.offset is not None:
            self._lease_at = max(self._lease_at, context)
            if self._lease_lost and self._clock.monotonic() - self._lease_at < self.settings.lease_s:
                self._lease_lost = False
                logger.info("heartbeats are acknowledged again, work goes on")


_NEVER = float("inf")


def _message(record: Record) -> object:
    """Return the decoded message, None if it can't be read: whoever sent it repeats it or does without."""
    try:
        return serde.message_of(record)
    except LogError as error:
        logger.error("%s/%d@%d is skipped: %s", record.topic, record.partition, record.offset, error)
        return None


def _key_of(message: Grant | Drop | Cancel) -> AttemptKey:
    return message.execution_id, message.task_run_id, message.epoch
