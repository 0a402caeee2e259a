"""What comes next in a scope: which child, which phase, which end.

Owns the order of children for every flowable and for the flow itself, and the way from a scope's end to its parent's.
Rules as in the reference of the flow language: a failure stops further tasks, `errors` run then, `finally` always, and
the final state is told by `tasks` alone. A kill runs none of them.
"""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.after import go_on_after
from engine.execution.conclusion import conclude, settle
from engine.execution.draft import ExecutionDraft
from engine.execution.folders import collects, let_go
from engine.execution.lines import Lines, error_lines
from engine.execution.plan import runs_after
from engine.execution.sla import judge
from engine.execution.start import start
from engine.execution.state import CHUNK, ROOT, Scope, TaskRun, Values, iteration_scope_id, values_key
from engine.execution.stopping import at_worker
from engine.execution.task_runs import begin_attempt, end, final_of
from engine.execution.turns import end_turn, last_outputs
from engine.flow.model import Task
from engine.values import State


def proceed(draft: ExecutionDraft) -> None:
    """Work the agenda off; what is left when the step is full goes on by a timer that is due at once."""
    agenda = draft.agenda
    asserts = draft.setting.plan is not None and draft.setting.plan.asserts
    while True:
        if asserts:
            judge(draft)
        if not agenda:
            return
        if draft.full:
            for scope_id in dict.fromkeys(agenda):
                draft.set_timer(f"continue/{scope_id}", draft.at_ms)
            agenda.clear()
            return
        scope = draft.scope(agenda.pop())
        if scope is not None and scope.closed is None:
            _advance(draft, scope)


def _advance(draft: ExecutionDraft, scope: Scope) -> None:
    header = draft.header
    if header.settled:
        return
    if draft.stopping:
        if scope.active == 0 and not _asked(draft, scope):
            _close(draft, scope, (header.state is not State.KILLING and header.exiting) or State.KILLED)
        return
    if header.held or (scope.id == ROOT and header.ended_ms and not runs_after(scope.phase)):
        return
    if scope.phase != "tasks":
        _advance_phase(draft, scope)
    elif not _start_more(draft, scope) and scope.active == 0:
        _leave_tasks(draft, scope)


def _asked(draft: ExecutionDraft, scope: Scope) -> bool:
    """True while a worker does something for the scope's flowable."""
    run = draft.run(scope.id) if scope.iteration is None else None
    return run is not None and at_worker(run)


def tasks_of(draft: ExecutionDraft, scope: Scope, phase: str) -> tuple[Task, ...]:
    """Return the tasks that a scope runs in a phase, disabled ones left out."""
    if scope.iteration is not None and phase != "tasks":
        return ()
    branches = draft.plan.branches if scope.task_id == "" else draft.planned(scope.task_id).branches
    return branches.get(scope.branch if phase == "tasks" else phase, ())


def _start_more(draft: ExecutionDraft, scope: Scope) -> bool:
    """Begin the children that may begin now; False if there are none."""
    if scope.order == "loop":
        return _start_iteration(draft, scope)
    if scope.failed or scope.killed or scope.cancelled:
        return False
    tasks = tasks_of(draft, scope, "tasks")
    if scope.order in ("sequential", "until"):
        if scope.active or scope.started >= len(tasks):
            return _another_turn(draft, scope)
        start(draft, scope, tasks[scope.started])
        return True
    ready = _ready(scope, tasks) if scope.order == "dag" else tasks[scope.started :]
    room = scope.limit - scope.active if scope.limit else len(ready)
    return _start_side_by_side(draft, scope, ready[: max(room, 0)])


def _another_turn(draft: ExecutionDraft, scope: Scope) -> bool:
    """Let a LoopUntil whose tasks have ended go on or rest; False for all else, and if it is done."""
    if scope.order != "until" or scope.active or scope.done:
        return False
    if not scope.resting:
        end_turn(draft, scope)
    return True


def _start_side_by_side(draft: ExecutionDraft, scope: Scope, tasks: tuple[Task, ...]) -> bool:
    """Begin tasks that are all due: if one of them fails at once, the others have begun nevertheless."""
    agenda = draft.agenda
    before = len(agenda)
    for task in tasks:
        start(draft, scope, task)
        if draft.full:
            agenda.append(scope.id)
            break
    agenda[before:] = reversed(agenda[before:])  # the first child goes on first, too
    return bool(tasks)


def _ready(scope: Scope, tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    """Return the tasks of a Dag that haven't begun and wait for no other; a disabled one keeps nobody waiting."""
    open_ids = {task.id for task in tasks}.difference(scope.over)
    begun = set(scope.begun)
    return tuple(task for task in tasks if task.id not in begun and open_ids.isdisjoint(task.depends_on))


def _start_iteration(draft: ExecutionDraft, scope: Scope) -> bool:
    """Begin the next iteration of a loop; after a failure only those for which there was room when it happened."""
    end = scope.total if scope.stop_at < 0 else min(scope.total, scope.stop_at)
    if scope.started >= end or scope.active >= scope.limit:
        return False
    index = scope.started
    values: Values = draft.get(values_key(scope.id, index // CHUNK))
    draft.emit(e.IterationStarted(scope_id=scope.id, index=index, value=values.values[index % CHUNK]))
    if scope.active + 1 < scope.limit:
        draft.agenda.append(scope.id)
    draft.agenda.append(iteration_scope_id(scope.id, index))
    return True


def _advance_phase(draft: ExecutionDraft, scope: Scope) -> None:
    if scope.active:
        return
    tasks = tasks_of(draft, scope, scope.phase)
    if not scope.broken and scope.phase_started < len(tasks):
        start(draft, scope, tasks[scope.phase_started])
    elif scope.phase == "errors" and tasks_of(draft, scope, "finally"):
        _enter(draft, scope, "finally")
    elif runs_after(scope.phase):
        go_on_after(draft, scope)
    else:
        _close(draft, scope, state_of(scope))


def _leave_tasks(draft: ExecutionDraft, scope: Scope) -> None:
    for phase in ("errors", "finally") if scope.failed else ("finally",):
        if tasks_of(draft, scope, phase):
            _enter(draft, scope, phase)
            return
    _close(draft, scope, state_of(scope))


def _enter(draft: ExecutionDraft, scope: Scope, phase: str) -> None:
    draft.emit(e.ScopePhaseChanged(scope_id=scope.id, phase=phase))
    draft.agenda.append(scope.id)


def state_of(scope: Scope) -> State:
    """Return what a scope's tasks came to: the worst of KILLED, FAILED, CANCELLED, WARNING, else SUCCESS."""
    if scope.killed:
        return State.KILLED
    if scope.failed:
        return State.FAILED
    if scope.cancelled:
        return State.CANCELLED
    return State.WARNING if scope.warned else State.SUCCESS


def _close(draft: ExecutionDraft, scope: Scope, state: State) -> None:
    if scope.id == ROOT:
        if draft.header.ended_ms:
            settle(draft)
            return
        conclude(draft, state)
        go_on_after(draft, scope)
    elif scope.iteration is not None:
        draft.emit(e.IterationEnded(scope_id=scope.parent_scope_id, index=scope.iteration, state=state))
        draft.agenda.append(scope.parent_scope_id)
    else:
        run = draft.run(scope.id)
        assert run is not None, scope.id
        if draft.stopping or not collects(draft, run):
            _close_flowable(draft, scope, run, state, last_outputs(scope), scope.error)


def collected(draft: ExecutionDraft, run: TaskRun, outputs_json: bytes, *, error: str = "", lines: Lines = ()) -> None:
    """End a flowable whose children are over and of whose folder a worker has kept what is to be kept.

    Args:
        draft: The execution.
        run: The flowable's, which the worker has had.
        outputs_json: What was kept; it is kept also if a child failed.
        error: Why it couldn't be; empty: it could.
        lines: Tell of the error, if the worker didn't.
    """
    run = begin_attempt(draft, run, run.epoch)
    scope = draft.scope(run.id)
    assert scope is not None, run.id
    state = state_of(scope)
    _close_flowable(draft, scope, run, State.FAILED if error else state, outputs_json, error, lines)


def _close_flowable(
    draft: ExecutionDraft,
    scope: Scope,
    run: TaskRun,
    state: State,
    outputs_json: bytes,
    error: str = "",
    lines: Lines = (),
) -> None:
    if scope.resting:
        draft.clear_timer(f"turn/{scope.id}")
    draft.emit(e.ScopeClosed(scope_id=scope.id, state=state))
    if draft.stopping:
        end(draft, run, state, outputs_json=outputs_json)
        return
    planned = draft.planned(run.task_id)
    if state is State.FAILED and planned.flowable is not None and planned.flowable.tolerant:
        state = State.WARNING
    state = final_of(state, planned.task)
    if scope.error:
        lines = error_lines(scope.error)
    end(draft, run, state, outputs_json=outputs_json, error=error, lines=lines)
    let_go(draft, run, state)
