"""An attempt that the engine decides, while it is being decided.

Owns how what it comes to is told: a first attempt that begins and ends at once is one event, others have a row already.
What it comes to is decided in `start.py`.
"""

from __future__ import annotations

from msgspec.structs import replace

from engine.execution import events as e
from engine.execution.asking import Answers, sealed_answers
from engine.execution.draft import ExecutionDraft
from engine.execution.lines import Lines, error_lines, first_error
from engine.execution.retry import next_attempt_ms
from engine.execution.state import INPUTS, Inputs, TaskRun
from engine.execution.task_runs import (
    begin_attempt,
    create,
    decided,
    dispatch,
    end,
    end_attempt,
    end_now,
    final_of,
    next_try_ms,
)
from engine.execution.variables import Renderer
from engine.values import State


class Attempt:
    """The next attempt of a task run.

    Args:
        draft: The execution.
        run: The task run: as it will be if it has no row yet, else its row.
        answers: What a worker rendered for it; None if none was asked.
        created: True if it has a row.
    """

    __slots__ = ("_answers", "_created", "_epoch", "_run", "draft", "planned", "render")

    def __init__(self, draft: ExecutionDraft, run: TaskRun, answers: Answers | None = None, *, created: bool) -> None:
        self.draft = draft
        self.planned = draft.planned(run.task_id)
        self._run = run
        self._answers = answers
        self._created = created
        self._epoch = run.epoch if answers is not None else run.epoch + 1
        if self.planned.pure is not None and self.planned.pure.calls:
            inputs: Inputs = draft.get(INPUTS)
            answers = {**(answers or {}), **sealed_answers(self.planned.task, inputs.inputs_json, draft.setting)}
        self.render = Renderer(draft, replace(run, epoch=self._epoch) if created else run, answers)
        if self.planned.flowable is not None:
            self.render.budget = self.planned.flowable.budget

    @property
    def scope_id(self) -> str:
        """The scope that the task run is in."""
        return self._run.scope_id

    def begin(self, *, paused: bool = False) -> TaskRun:
        """Let it run here, for it goes on for a while; return its row."""
        draft, run = self.draft, self._run
        if not self._created:
            return create(draft, run, State.PAUSED if paused else State.RUNNING)
        begun = begin_attempt(draft, run, self._epoch)
        if paused:
            draft.emit(e.TaskRunPaused(task_run_id=run.id, at_ms=draft.at_ms))
        return begun

    def skip(self) -> None:
        """End it without having run."""
        if self._created:
            end(self.draft, self._run, State.SKIPPED)
        else:
            decided(self.draft, self._run, State.SKIPPED)

    def fail(self, message: str) -> None:
        """End it as failed, without a further attempt: it came to nothing."""
        lines = error_lines(message)
        if self._created:
            end(self.draft, self.begin(), final_of(State.FAILED, self.planned.task), error=message, lines=lines)
        else:
            end_now(self.draft, self._run, State.FAILED, lines)

    def exit(self, state: State, lines: Lines) -> None:
        """End it in the state in which the whole execution ends."""
        if self._created:
            end(self.draft, self.begin(), state, lines=lines)
        else:
            decided(self.draft, self._run, state, lines=lines)

    def end(self, state: State, outputs_json: bytes, lines: Lines) -> None:
        """End it; after a failure the retry policy may want another one."""
        draft, run = self.draft, self._run
        error = first_error(lines) if state is State.FAILED else ""
        if self._created:
            end_attempt(draft, self.begin(), state, outputs_json=outputs_json, error=error, lines=lines)
        elif state is not State.FAILED:
            decided(draft, run, final_of(state, self.planned.task), outputs_json=outputs_json, lines=lines)
        elif next_attempt_ms(self.planned.retry, run, draft.at_ms) is None and next_try_ms(draft, run) is None:
            end_now(draft, run, state, lines)
        else:
            end_attempt(draft, create(draft, run, State.RUNNING), state, error=error, lines=lines)

    def queue(self) -> None:
        """Let a worker run it."""
        run = self._run
        if not self._created:
            create(self.draft, run, State.CREATED)
        dispatch(self.draft, run.id, run.epoch + 1)

    def answered(self, asks: str) -> bool:
        """True if a worker has done just this for it."""
        return self._answers is not None and self._run.asking == asks

    def ask(self, asks: str) -> None:
        """Let a worker do what only it can, and go on with the answer."""
        run = self._run
        if self.answered(asks):
            self.fail(f"{asks}: a worker rendered what it could, but a template still needs it")
            return
        if not self._created:
            create(self.draft, run, State.CREATED)
        dispatch(self.draft, run.id, run.epoch + 1, asks)
