"""Planted bugs: each switches one rule off. A simulation that doesn't find them all isn't trusted.

Owns the patches only; `test_simulation.py` runs seeds until each is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from engine.execution import commands as c
from engine.execution import scopes
from engine.execution.decide import DECIDERS, attempts, create
from engine.execution.job import Job
from engine.execution.kin import Awaited, Child
from engine.execution.slot import give_back
from engine.execution.state import HEADER, Slot, Telling
from engine.slots.state import Place
from engine.trigger.decide import upstream
from engine.trigger.state import Firing
from engine.values import State
from executor.leases import Leases
from executor.partition import Partition
from executor.requests import Requests
from executor.state.rows import PartitionRows
from executor.state.snapshot import Snapshots
from executor.timers import Timers
from topics.messages import Claim
from topics.step_log import StepFold, StepWriter
from worker.held import Phase
from worker.loop import Worker

MUTANTS: dict[str, Callable[[], Any]] = {}


def mutant(patches: Callable[[], dict[tuple[Any, str], Any]]) -> Callable[[], dict[tuple[Any, str], Any]]:
    """Register a planted bug: attributes to replace while it is planted."""
    MUTANTS[patches.__name__] = patches
    return patches


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant a bug for the time of a run."""
    patches = MUTANTS[name]()
    before = {}
    for (owner, attribute), value in patches.items():
        before[id(owner), attribute] = (owner, owner.__dict__[attribute])
        setattr(owner, attribute, value)
    try:
        with table_follows():
            yield
    finally:
        for (_id, attribute), (owner, value) in before.items():
            setattr(owner, attribute, value)


def said_once(which: Callable[[Any], bool]) -> dict[tuple[Any, str], Any]:
    """Return the bug that what some rows wait for isn't said again."""
    before = Requests.due
    return {(Requests, "due"): lambda requests, now_ms: (it for it in before(requests, now_ms) if not which(it[2]))}


@mutant
def readers_count_steps_of_any_epoch() -> dict[tuple[Any, str], Any]:
    def counts(fold: StepFold, message: Any, offset: int) -> bool:
        fold.offset = offset + 1
        if isinstance(message, Claim):
            fold.epoch, fold.owner = max(fold.epoch, message.epoch), message.owner
            return True
        fold.next_n = message.n + 1
        return True

    return {(StepFold, "counts"): counts}


@mutant
def readers_count_steps_with_holes() -> dict[tuple[Any, str], Any]:
    before = StepFold.counts

    def counts(fold: StepFold, message: Any, offset: int) -> bool:
        if not isinstance(message, Claim) and message.epoch == fold.epoch and message.n > fold.next_n:
            fold.next_n = message.n
        return before(fold, message, offset)

    return {(StepFold, "counts"): counts}


@mutant
def an_unknown_write_is_taken_for_a_good_one() -> dict[tuple[Any, str], Any]:
    before = StepWriter.acknowledged

    def acknowledged(writer: StepWriter, ack: Any) -> Any:
        if ack.offset is None:
            ack = msgspec.structs.replace(ack, offset=writer.fold.offset)
        return before(writer, ack)

    return {(StepWriter, "acknowledged"): acknowledged}


@mutant
def a_gap_in_the_offsets_is_ignored() -> dict[tuple[Any, str], Any]:
    def skip_gap(writer: StepWriter, end: int) -> None:
        writer.fold.offset = end

    return {(StepWriter, "_skip_gap"): skip_gap}


@mutant
def effects_leave_before_the_acknowledgement() -> dict[tuple[Any, str], Any]:
    before = Partition._append

    def append(partition: Partition, aggregate_id: str, rows: Any, command: Any, result: Any, about: Any) -> None:
        before(partition, aggregate_id, rows, command, result, about)
        for owner, effect in about.effects:
            partition._release(owner, effect)

    return {(Partition, "_append"): append}


@mutant
def rows_are_written_before_the_acknowledgement() -> dict[tuple[Any, str], Any]:
    before = Partition._append

    def append(partition: Partition, aggregate_id: str, rows: Any, command: Any, result: Any, about: Any) -> None:
        before(partition, aggregate_id, rows, command, result, about)
        assert partition._writer is not None
        pending = partition._writer.last_pending
        if pending is not None:
            position = msgspec.structs.replace(pending.payload.position, offset=partition._fold.offset)
            partition.rows.write([pending.payload.writes], position)

    return {(Partition, "_append"): append}


@mutant
def a_claimer_owns_without_folding_through_its_claim() -> dict[tuple[Any, str], Any]:
    before = Partition._claim_acknowledged

    def acknowledged(partition: Partition, ack: Any) -> None:
        before(partition, ack)
        if partition._claimed_at is not None and partition._claim is not None:
            partition._fold.offset = max(partition._fold.offset, partition._claimed_at + 1)
            partition._fold.epoch, partition._fold.owner = partition._claim.epoch, partition._claim.owner

    return {(Partition, "_claim_acknowledged"): acknowledged}


@mutant
def commands_are_decided_again_when_they_come_again() -> dict[tuple[Any, str], Any]:
    def create_again(draft: Any, command: Any) -> None:
        if draft.get(HEADER) is not None:
            draft.changed.update({key: None for key, _row in list(draft.scan(""))})
        before(draft, command)

    before = create.create_execution
    return {(create, "create_execution"): create_again}


@mutant
def reports_of_any_attempt_count() -> dict[tuple[Any, str], Any]:
    def held(draft: Any, command: Any) -> Any:
        run = draft.run(command.task_run_id)
        return None if run is None or run.state.is_terminal or run.epoch == 0 else run

    return {(attempts, "_held_run"): held}


@mutant
def claims_of_taken_attempts_are_granted() -> dict[tuple[Any, str], Any]:
    before = attempts.claim_attempt

    def claim(draft: Any, command: c.ClaimAttempt) -> None:
        run = draft.run(command.task_run_id)
        if run is not None and run.worker_id not in ("", command.worker_id):
            key = "t/" + run.id
            draft.changed[key] = msgspec.structs.replace(run, state=State.SUBMITTED, worker_id="")
        before(draft, command)

    return {(attempts, "claim_attempt"): claim}


@mutant
def a_new_owner_skips_a_command() -> dict[tuple[Any, str], Any]:
    before = Partition._own

    def own(partition: Partition) -> None:
        before(partition)
        partition.inbox += 1

    return {(Partition, "_own"): own}


@mutant
def nothing_outstanding_is_said_again() -> dict[tuple[Any, str], Any]:
    return {(Requests, "due"): lambda _requests, _now_ms: iter(())}


@mutant
def the_end_of_a_child_is_told_once() -> dict[tuple[Any, str], Any]:
    return said_once(lambda row: isinstance(row, Awaited))


@mutant
def a_child_is_asked_for_once() -> dict[tuple[Any, str], Any]:
    return said_once(lambda row: isinstance(row, Child))


@mutant
def timers_are_forgotten_by_a_new_owner() -> dict[tuple[Any, str], Any]:
    def load(timers: Timers, until_ms: int) -> None:
        timers._loaded_ms = until_ms

    return {(Timers, "_load"): load}


@mutant
def a_worker_begins_when_it_claims() -> dict[tuple[Any, str], Any]:
    before = Worker._claim

    def claim(worker: Worker, held: Any) -> None:
        before(worker, held)
        if held.phase is Phase.CLAIMED:
            worker._begin(held)
            worker._runner.start(held.key, _job(held.key))

    return {(Worker, "_claim"): claim}


def _job(key: tuple[str, str, int]) -> Any:
    return Job(
        execution_id=key[0],
        namespace="sim",
        flow_id="",
        revision=1,
        task_run_id=key[1],
        epoch=key[2],
        task_id="",
        task_type="",
        properties={},
        variables={},
    )


@mutant
def a_worker_forgets_what_it_gave_up() -> dict[tuple[Any, str], Any]:
    class Forgetful(dict[Any, Any]):
        def __contains__(self, _key: object) -> bool:
            return False

    before = Worker.__init__

    def init(worker: Worker, *args: Any, **named: Any) -> None:
        before(worker, *args, **named)
        worker._over = Forgetful()

    return {(Worker, "__init__"): init}


@mutant
def a_worker_without_lease_goes_on() -> dict[tuple[Any, str], Any]:
    return {(Worker, "_check_lease"): lambda _worker: None}


@mutant
def unknown_workers_count_as_gone() -> dict[tuple[Any, str], Any]:
    def is_gone(leases: Leases, worker_id: str) -> bool:
        return worker_id not in leases._heard_ms

    return {(Leases, "is_gone"): is_gone}


@mutant
def a_snapshot_forgets_what_changed_while_it_was_written() -> dict[tuple[Any, str], Any]:
    before = Snapshots.note

    def note(snapshots: Snapshots, aggregate_id: str, keys: Any) -> None:
        if snapshots._position is None:
            before(snapshots, aggregate_id, keys)

    return {(Snapshots, "note"): note}


@mutant
def positions_after_a_loss_are_those_of_the_fold() -> dict[tuple[Any, str], Any]:
    before = PartitionRows.write
    folds: dict[int, Any] = {}
    acknowledged = Partition.acknowledged

    def remember(partition: Partition, acks: Any) -> None:
        folds[id(partition.rows)] = partition._fold
        acknowledged(partition, acks)

    def write(rows: PartitionRows, steps: Any, position: Any) -> None:
        fold = folds.get(id(rows))
        if fold is not None:
            position = msgspec.structs.replace(position, offset=fold.offset)
        before(rows, steps, position)

    return {(Partition, "acknowledged"): remember, (PartitionRows, "write"): write}


@mutant
def folding_differs_from_deciding() -> dict[tuple[Any, str], Any]:
    before = Partition._fold_step

    def fold_step(partition: Partition, step: Any, record: Any) -> Any:
        changed = before(partition, step, record)
        if step.n % 5 == 4:
            partition._hash = bytes(16)
        return changed

    return {(Partition, "_fold_step"): fold_step}


@mutant
def folders_go_before_their_files_are_kept() -> dict[tuple[Any, str], Any]:
    before = scopes.collects

    def collects(draft: Any, run: Any) -> bool:
        scopes.let_go(draft, run, State.SUCCESS)
        return before(draft, run)

    return {(scopes, "collects"): collects}


@mutant
def a_slot_is_free_before_the_tasks_after_the_end_have_run() -> dict[tuple[Any, str], Any]:
    before = scopes.conclude

    def conclude(draft: Any, state: State) -> None:
        before(draft, state)
        give_back(draft)

    return {(scopes, "conclude"): conclude}


@mutant
def a_grant_is_not_said_again() -> dict[tuple[Any, str], Any]:
    return said_once(lambda row: isinstance(row, Place))


@mutant
def a_slot_is_given_back_once() -> dict[tuple[Any, str], Any]:
    return said_once(lambda row: isinstance(row, Slot) and row.phase == "returning")


@mutant
def triggers_are_told_once() -> dict[tuple[Any, str], Any]:
    return said_once(lambda row: isinstance(row, Telling | Firing))


@mutant
def what_triggers_are_told_counts_each_time() -> dict[tuple[Any, str], Any]:
    return {(upstream, "noted_key"): lambda told_id: f"n/{told_id}/never"}


@contextmanager
def table_follows() -> Iterator[None]:
    """While a bug is planted, let the table of deciders call what the modules say now."""
    table: Any = DECIDERS
    before = dict(table)
    table[c.CreateExecution] = lambda draft, command: create.create_execution(draft, command)
    table[c.ClaimAttempt] = lambda draft, command: attempts.claim_attempt(draft, command)
    try:
        yield
    finally:
        table.update(before)
