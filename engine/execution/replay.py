"""Which task runs of an execution another one takes over, when it goes on from the middle.

Owns the choice, for a replay from a task run and for a restart on another revision. Nothing is decided here: the choice
travels in `CreateExecution`, and `carrying.py` says what becomes of it.

A replay goes from the flow down to the chosen task run. Around it the flowables are opened anew, and beside the way:
what comes after it is left out and runs as if it never had; what comes before or stands beside it counts as it ended,
with all that is below it. What didn't end well runs again, unless the chosen one handles that very end: a task of
`errors` needs the failure. A restart does the same everywhere at once and leaves handlers out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.errors import Reason, Rejected
from engine.execution.carried import CarriedRun, weight_of
from engine.execution.draft import OUTPUTS_BYTES_MAX
from engine.execution.past import TASKS, Past, Ran, Stand, stands_of
from engine.flow.model import Flow
from engine.values import State

DONE = frozenset({State.SUCCESS, State.WARNING, State.SKIPPED})
"""Ends that are good enough to be taken over: what was retried in another execution had failed."""


Stands = Mapping[str, Stand]


def replayed(source: Flow, target: Flow, runs: Iterable[Ran], execution_id: str, chosen: str) -> tuple[CarriedRun, ...]:
    """Return what a replay from the task run `chosen` takes over.

    Args:
        source: The revision that the execution ran.
        target: The one that the replay is to run.
        runs: All its task runs, in the order in which they began.
        execution_id: Id of the new execution.
        chosen: Id of the task run. Where the task around it only runs as a whole, that one is meant.

    Raises:
        Rejected: If there is no such task run, if the other revision lacks what is to be kept, or if it is too much.
    """
    choice = _Choice(source, runs, execution_id)
    way = choice.past.way_to(chosen)
    stands = choice.past.stands if target is source else stands_of(target)
    _check_kept(choice.past.stands, stands, (run.task_id for run in way))
    return _checked(choice.past.stands, stands, choice.through(way))


def restarted(source: Flow, target: Flow, runs: Iterable[Ran], execution_id: str) -> tuple[CarriedRun, ...]:
    """Return what a restart on another revision takes over: all that ended well, and how often the rest was tried.

    Raises:
        Rejected: If the other revision lacks what is to be kept, or if it is too much.
    """
    choice = _Choice(source, runs, execution_id)
    return _checked(choice.past.stands, stands_of(target), choice.again(choice.among_tasks(None)))


def _checked(was: Stands, now: Stands, carried: Iterable[CarriedRun]) -> tuple[CarriedRun, ...]:
    found = tuple(carried)
    _check_kept(was, now, (run.task_id for run in found if not run.top and run.state is not State.RESTARTED))
    size = sum(map(weight_of, found))
    if size > OUTPUTS_BYTES_MAX:
        raise Rejected(
            Reason.TOO_LARGE,
            f"Expected task runs of at most {OUTPUTS_BYTES_MAX} bytes to take over, but these {len(found)} have {size} "
            f"with their outputs: replay from an earlier task, or from the beginning",
        )
    return found


def _check_kept(was: Stands, now: Stands, task_ids: Iterable[str]) -> None:
    """Refuse a revision in which a task isn't where it was: its run would have no place there."""
    for task_id in task_ids:
        before, after = was[task_id], now.get(task_id)
        if after is None or (after.parent, after.branch) != (before.parent, before.branch):
            why = "doesn't have it" if after is None else "has it elsewhere"
            raise Rejected(
                Reason.INVALID_ARGUMENT,
                f"Expected task {task_id!r} where it ran, but the other revision {why}: replay from the beginning",
            )


class _Choice:
    """What of an execution's past is taken over, as the new execution will have it."""

    def __init__(self, flow: Flow, runs: Iterable[Ran], execution_id: str) -> None:
        self.past = Past(flow, runs)
        self._ids = self.past.ids_in(execution_id)

    def through(self, way: list[Ran]) -> Iterator[CarriedRun]:
        """Yield what is taken over on the way to its last task run."""
        past = self.past
        around: Ran | None = None
        for run, further in zip(way, [*way[1:], None], strict=True):
            turn = self._turn(around, run) if around is not None else None
            for each in past.children(around):
                phase, handles = past.phase(each), past.phase(run) > past.phase(each)
                if each is run:
                    yield from self._tried(run) if further is None else self._opened(run, self._turn(run, further))
                elif phase > past.phase(run) or (turn is not None and phase == TASKS and each.iteration != turn):
                    continue
                elif handles and each.state.is_terminal:
                    yield from self._whole(each)
                elif handles or not past.follows(each, run):
                    yield from self.again([each])
            around = run

    def again(self, runs: Iterable[Ran]) -> Iterator[CarriedRun]:
        """Yield these as a restart has them: whole if they ended well, else what did so below them."""
        past = self.past
        for run in runs:
            if run.state in DONE:
                yield from self._whole(run)
            elif past.opens(run) and past.children(run):
                turn = past.last_turn(run)
                yield from self._opened(run, turn)
                yield from self.again(each for each in self.among_tasks(run) if turn is None or each.iteration == turn)
            else:
                yield from self._tried(run)

    def among_tasks(self, run: Ran | None) -> list[Ran]:
        """Return what is right below a task run, or the flow, without what its handlers ran."""
        return [each for each in self.past.children(run) if self.past.phase(each) == TASKS]

    def _turn(self, around: Ran, run: Ran) -> int | None:
        """Return the iteration of the turn of a LoopUntil that a task run below it is in, or follows upon."""
        last = self.past.last_turn(around)
        return run.iteration if last is not None and self.past.phase(run) == TASKS else last

    def _whole(self, run: Ran) -> Iterator[CarriedRun]:
        """Yield a task run as it ended, and what it had below it."""
        yield self._carried(run, run.state)
        for each in self.past.all_below(run):
            yield self._carried(each, each.state, top=self._ids[run.id])

    def _tried(self, run: Ran) -> Iterator[CarriedRun]:
        """Yield what is known of a task run that runs once more; a flowable begins as if it never had."""
        if self.past.planned(run).flowable is None and run.attempts:
            yield self._carried(run, State.RESTARTED)

    def _opened(self, run: Ran, turn: int | None) -> Iterator[CarriedRun]:
        """Yield a task run that is opened again, if it can't simply begin: a resumed Pause, a LoopUntil after turns."""
        if self.past.planned(run).flowable is not None and not turn:
            return
        yield self._carried(run, State.RUNNING, turn=(turn or 0) + 1)
        for each in self.among_tasks(run) if turn else ():
            if (each.iteration or 0) < (turn or 0):
                for of_turn in (each, *self.past.all_below(each)):
                    yield self._carried(of_turn, of_turn.state, top=self._ids[run.id])

    def _carried(self, run: Ran, state: State, *, top: str = "", turn: int = 0) -> CarriedRun:
        runs_again = state is State.RESTARTED
        return CarriedRun(
            id=self._ids[run.id],
            task_id=run.task_id,
            state=state,
            parent_id=None if run.parent_id is None else self._ids[run.parent_id],
            value=run.value,
            iteration=run.iteration,
            path=self.past.path(run),
            attempts=run.attempts,
            history=run.history,
            outputs_json=b"" if runs_again else run.outputs_json,
            error="" if runs_again else run.error,
            turn=turn,
            top=top,
        )
