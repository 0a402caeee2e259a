"""What comes together for a flow trigger, and what becomes of it once it is complete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine import expression
from engine.execution.commands import NoteListenerReached
from engine.flow.model import Trigger
from engine.machine import SendCommand
from engine.trigger import commands as c
from engine.trigger import events as e
from engine.trigger.draft import TriggerDraft
from engine.trigger.joins import Join, join_of
from engine.trigger.rendering import bounded
from engine.trigger.state import Gathered, firing_key, gathered_key, noted_key, timer_key
from engine.trigger.windows import span
from engine.values import derive_id, to_json

FORGET = "forget"
FORGET_AFTER_MS = 86_400_000
"""How long it is remembered what was told: far longer than any record is on its way."""
OUTPUTS_BYTES_MAX = 1024 * 1024
"""Most that outputs which come together may take: they travel in each step of the window."""
MERGE_DEPTH = 50


def note_upstream(draft: TriggerDraft, command: c.NoteUpstream) -> None:
    """Keep what an execution meets, and start one of the own flow if that makes it complete."""
    answer(draft, command.told_id, command.execution_id)
    if draft.get(noted_key(command.told_id)) is not None:
        return
    draft.follow(command.namespace, command.flow_id, command.revision)
    trigger = draft.trigger(command.trigger_id)
    join = join_of(trigger) if trigger is not None and not trigger.disabled else None
    within = span(join.window, command.at_ms) if join is not None else None
    if trigger is None or join is None or within is None:
        return
    noted = _noted(draft, command, join, within)
    draft.emit(noted)
    remember(draft)
    if len(noted.met) >= join.least:
        _fire(draft, command, trigger, noted)
        if join.resets:
            draft.emit(e.WindowReset(trigger_id=command.trigger_id))


def answer(draft: TriggerDraft, told_id: str, execution_id: str) -> None:
    """Tell an execution that what it said was taken into account: each time, as an answer may be lost."""
    told = NoteListenerReached(told_id=told_id)
    draft.answers.append(SendCommand(kind="executions", id=execution_id, command=told))


def remember(draft: TriggerDraft) -> None:
    """See to it that what was told is forgotten some time."""
    if draft.get(timer_key(FORGET)) is None:
        draft.set_timer(FORGET, draft.at_ms + FORGET_AFTER_MS)


def _noted(draft: TriggerDraft, command: c.NoteUpstream, join: Join, within: tuple[int, int]) -> e.UpstreamNoted:
    begin_ms, end_ms = within
    met: dict[str, int] = {}
    outputs = _outputs_of(command.trigger_json)
    before: Gathered | None = draft.get(gathered_key(command.trigger_id))
    if before is not None:
        if join.window.kind != "sliding" and before.begin_ms <= command.at_ms < before.end_ms:
            begin_ms, end_ms = before.begin_ms, before.end_ms
        met = {key: at for key, at in before.met.items() if begin_ms <= at < end_ms}
        if met:
            outputs = merged(msgspec.json.decode(before.outputs_json), outputs)
    known = {member.key for member in join.members}
    met = {key: at for key, at in met.items() if key in known}
    met.update((key, command.at_ms) for key in command.keys if key in known)
    encoded = to_json(outputs, "The outputs")
    if len(encoded) > OUTPUTS_BYTES_MAX:
        encoded = b"{}"
    return e.UpstreamNoted(
        told_id=command.told_id,
        trigger_id=command.trigger_id,
        at_ms=draft.at_ms,
        begin_ms=begin_ms,
        end_ms=end_ms,
        met=met,
        outputs_json=encoded,
    )


def _outputs_of(trigger_json: bytes) -> dict[str, Any]:
    started = msgspec.json.decode(trigger_json) if trigger_json else {}
    outputs = started.get("variables", {}).get("outputs")
    return outputs if isinstance(outputs, dict) else {}


def merged(old: Any, new: Any, depth: int = 0) -> Any:
    """Return `new` over `old`, maps within maps merged key by key."""
    if not isinstance(old, Mapping) or not isinstance(new, Mapping) or depth > MERGE_DEPTH:
        return new
    return {**old, **{key: merged(old.get(key), value, depth + 1) for key, value in new.items()}}


def _fire(draft: TriggerDraft, command: c.NoteUpstream, trigger: Trigger, noted: e.UpstreamNoted) -> None:
    execution_id = derive_id("join", draft.id, trigger.id, command.told_id)
    started = msgspec.json.decode(command.trigger_json) if command.trigger_json else {}
    variables = {**started.get("variables", {}), "outputs": msgspec.json.decode(noted.outputs_json)}
    inputs, failure = msgspec.json.decode(command.inputs_json), command.failure
    if not failure:
        scope = draft.scope({"trigger": variables}, execution_id)
        try:
            late = {name: expression.render_value(inputs[name], scope) for name in command.late}
            given = bounded(trigger, {**inputs, **late}, command.labels)
            inputs, failure = given.inputs, given.failure
        except (expression.RenderError, expression.NeedsWorld) as error:
            failure = f"Inputs of trigger {trigger.id} can't be rendered: {error}"
    draft.emit(
        e.TriggerFired(
            trigger_id=trigger.id,
            execution_id=execution_id,
            namespace=command.namespace,
            flow_id=command.flow_id,
            revision=command.revision,
            at_ms=draft.at_ms,
            inputs_json=to_json({} if failure else inputs, "The inputs"),
            labels=command.labels,
            trigger_json=to_json({**started, "variables": variables}, "The trigger's variables"),
            failure=failure,
        )
    )


def note_execution_started(draft: TriggerDraft, command: c.NoteExecutionStarted) -> None:
    """Stop asking for an execution that exists."""
    if draft.get(firing_key(command.execution_id)) is not None:
        draft.emit(e.FiringAnswered(execution_id=command.execution_id))
