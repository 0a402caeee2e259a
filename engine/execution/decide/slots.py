"""What becomes of an execution's request for a slot, and what a person may do about one that waits.

An answer counts for the request whose number it has, as long as that is open. A slot that nobody needs is given back
whenever it is offered.
"""

from __future__ import annotations

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.commands import SlotAnswer
from engine.execution.conclusion import end_execution, settle
from engine.execution.decide.create import begin
from engine.execution.decide.pause import resume_execution
from engine.execution.decide.restart import run_again
from engine.execution.draft import ExecutionDraft
from engine.execution.react import confirm_slot, release_slot
from engine.execution.sla import watch
from engine.execution.slot import awaits_slot, is_limited, request_slot
from engine.execution.state import ROOT, SLOT, Slot
from engine.values import State

UNQUEUED = (State.RUNNING, State.CANCELLED, State.FAILED)


def answer_slot(draft: ExecutionDraft, command: c.AnswerSlot) -> None:
    """Run, wait, end, or forget about it."""
    slot: Slot | None = draft.get(SLOT)
    if slot is not None and slot.number == command.number and slot.phase != "returning":
        _answered(draft, slot, command.answer)
    elif command.answer is SlotAnswer.RETURNED:
        if slot is not None and slot.number == command.number:
            draft.emit(e.SlotForgotten(number=slot.number, at_ms=draft.at_ms))
    elif command.answer is not SlotAnswer.REFUSED:
        draft.answers.append(release_slot(command.scope, draft.id, command.number))


def _answered(draft: ExecutionDraft, slot: Slot, answer: SlotAnswer) -> None:
    match answer:
        case SlotAnswer.GRANTED:
            if slot.phase != "asked":
                draft.answers.append(confirm_slot(slot.scope, draft.id, slot.number))
            if slot.phase != "held":
                waits = awaits_slot(draft)
                draft.emit(e.SlotObtained(number=slot.number, at_ms=draft.at_ms))
                if waits:
                    _run(draft)
        case SlotAnswer.QUEUED:
            if slot.phase == "asked" and not slot.forced:
                draft.emit(e.SlotQueued(number=slot.number, at_ms=draft.at_ms))
                draft.emit(e.ExecutionStateChanged(state=State.QUEUED, at_ms=draft.at_ms))
        case SlotAnswer.REFUSED:
            if slot.phase == "asked" and not slot.forced:
                draft.emit(e.SlotForgotten(number=slot.number, at_ms=draft.at_ms))
                state = State.CANCELLED if slot.behavior == "CANCEL" else State.FAILED
                _end(draft, state, f"{slot.limit} executions of {slot.scope} run already")
        case SlotAnswer.RETURNED:
            pass  # of an earlier request under the same number


def force_run(draft: ExecutionDraft, _command: c.ForceRunExecution) -> None:
    """Let an execution that waits, for whatever reason, run at once; one that runs is left alone."""
    header = draft.header
    if header.ended_ms:
        raise Rejected(
            Reason.INVALID_STATE, f"Expected an execution that hasn't ended to run, but {draft.id} is {header.state}"
        )
    if awaits_slot(draft) or header.state is State.CREATED:
        _force(draft)
    elif header.state is State.PAUSED:
        resume_execution(draft, c.ResumeExecution())


def unqueue_execution(draft: ExecutionDraft, command: c.UnqueueExecution) -> None:
    """Take an execution out of the queue: let it run beyond the limit, or end it."""
    header = draft.header
    if header.state is not State.QUEUED:
        raise Rejected(Reason.INVALID_STATE, f"Expected a QUEUED execution, but {draft.id} is {header.state}")
    if command.state not in UNQUEUED:
        raise Rejected(Reason.INVALID_ARGUMENT, f"Expected one of {', '.join(UNQUEUED)}, but got {command.state}")
    if command.state is State.RUNNING:
        _force(draft)
    else:
        _end(draft, command.state, "Taken out of the queue")


def _force(draft: ExecutionDraft) -> None:
    if not awaits_slot(draft):  # it waits for its time: this is its beginning
        draft.clear_timer("start/")
        watch(draft)
    if is_limited(draft.flow):
        request_slot(draft, forced=True)
    _run(draft)


def _run(draft: ExecutionDraft) -> None:
    if draft.scope(ROOT) is None:
        begin(draft)
    else:
        run_again(draft)


def _end(draft: ExecutionDraft, state: State, error: str) -> None:
    end_execution(draft, state, error=error)
    settle(draft)
