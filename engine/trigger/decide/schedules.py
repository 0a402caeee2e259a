"""What dates bring: an execution for each, missed ones by the trigger's policy, none while it waits for its last one.

A tick is one step: the date, the execution that it starts (an id that follows from both), and the next date. So a date
brings one execution, whatever crashes.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from engine import expression
from engine.catalog.commands import NoteTriggersFollowed
from engine.execution.commands import NoteStarterHeard
from engine.flow.model import Trigger
from engine.machine import SendCommand
from engine.trigger import commands as c
from engine.trigger import events as e
from engine.trigger.conditions import Facts, Unanswerable, all_hold
from engine.trigger.draft import TriggerDraft
from engine.trigger.rendering import bounded, rendered_of
from engine.trigger.schedules import (
    Dates,
    after,
    before,
    dates_of,
    definition_of,
    goes_by_time,
    late_max_ms,
    variables_of,
    zone_of_trigger,
    zoned,
)
from engine.trigger.state import scheduled_key, timer_key
from engine.values import derive_id, to_json

TICK = "tick"
BACKFILL = "backfill"
KEEP = "keep"
KEEP_MS = 10 * 86_400_000
"""How often it is said again how triggers are: steps are kept for a month, and views are folded from them alone."""
MISSED_MS = 30_000
"""A date that comes so much later than it should was missed: no executor was there."""


class Schedule:
    """A trigger that goes by time while a command is decided: its definition, its dates, and how it is now."""

    def __init__(self, draft: TriggerDraft, trigger: Trigger) -> None:
        self.draft = draft
        self.trigger = trigger
        self.zone = zone_of_trigger(trigger)
        self.dates: Dates = dates_of(trigger, lambda value: expression.render_value(value, draft.scope({}, draft.id)))
        self.problem = ""
        """Why a condition couldn't be evaluated for the last date that was looked at."""

    @property
    def waits(self) -> bool:
        """True if it starts nothing while its last execution runs."""
        return self.trigger.properties.get("allowConcurrent") not in (True, "true")

    def holds(self, at_ms: int) -> bool:
        """Tell whether its conditions hold for a date; if that can't be told, the date fails visibly."""
        self.problem = ""
        if not self.trigger.conditions and self.trigger.when is None:
            return True
        date = {"date": zoned(at_ms, self.zone)}
        scope = self.draft.scope({"trigger": date, "schedule": date}, f"{self.draft.id}/{at_ms}")
        try:
            return all_hold(self.trigger.conditions, self.trigger.when, Facts(scope=scope))
        except Unanswerable as problem:
            self.problem = f"A condition of trigger {self.trigger.id} can't be evaluated: {problem}"
            return True

    def following(self, at_ms: int) -> int | None:
        """Return the next date after a time; perhaps one to look again at."""
        return after(self.dates, at_ms, self.holds)[0]

    def variables(self, at_ms: int) -> dict[str, str]:
        """Return what an execution for a date reads as `trigger`."""
        found, held = after(self.dates, at_ms, self.holds)
        previous = before(self.dates, at_ms, self.holds)
        return variables_of(at_ms, found if held else self.dates.after(at_ms), previous, self.zone)


def schedule_of(draft: TriggerDraft, trigger_id: str) -> Schedule | None:
    """Return a trigger that the flow declares and that may start something now."""
    flow, trigger, now = draft.setting.flow, draft.trigger(trigger_id), draft.scheduled(trigger_id)
    if flow is None or flow.disabled or trigger is None or trigger.disabled or now is None or now.disabled:
        return None
    try:
        return Schedule(draft, trigger) if goes_by_time(trigger) else None
    except (ValueError, expression.RenderError, expression.NeedsWorld):
        return None


def change(draft: TriggerDraft, now: e.TriggerChanged, why: str, **fields: Any) -> e.TriggerChanged:
    """Let a trigger be otherwise, and see to its timers."""
    changed = replace(now, why=why, at_ms=draft.at_ms, **fields)
    draft.emit(changed)
    set_timers(draft, changed)
    return changed


def set_timers(draft: TriggerDraft, now: e.TriggerChanged) -> None:
    """Set the timer of the next date, or of the backfill that goes on instead; none while something is waited for."""
    schedule = schedule_of(draft, now.trigger_id)
    waiting = schedule is None or (schedule.waits and bool(now.execution_id))
    backfill = now.backfill
    tick = now.next_ms if backfill is None and not waiting else None
    past = backfill.current_ms if backfill is not None and not backfill.paused and not waiting else None
    for purpose, due_ms in ((TICK, tick), (BACKFILL, past)):
        timer_id = f"{purpose}/{now.trigger_id}"
        if due_ms is None:
            draft.clear_timer(timer_id)
        else:
            draft.set_timer(timer_id, due_ms)


# ---- the flow -------------------------------------------------------------------------------------------------------


def follow_flow(draft: TriggerDraft, command: c.FollowFlow) -> None:
    """Go by a revision: new and changed triggers begin at their next date, the others go on, missing ones go."""
    told = NoteTriggersFollowed(revision=command.revision, deleted=command.deleted)
    draft.answers.append(SendCommand(kind="flows", id=draft.id, command=told))
    header = draft.header
    if header is not None and (
        header.revision > command.revision or (header.revision == command.revision and header.deleted)
    ):
        return
    if header is None or (header.revision, header.deleted) != (command.revision, command.deleted):
        draft.emit(
            e.TriggersFollowed(
                namespace=command.namespace,
                flow_id=command.flow_id,
                revision=command.revision,
                at_ms=draft.at_ms,
                deleted=command.deleted,
            )
        )
    flow = draft.setting.flow
    declared = [] if command.deleted or flow is None else [each for each in flow.triggers if goes_by_time(each)]
    for key, row in list(draft.scan("s/")):
        if key[2:] not in {each.id for each in declared}:
            remove(draft, row.now.trigger_id)
    for trigger in declared:
        _start(draft, trigger, bool(flow is not None and flow.disabled))
    if declared and draft.get(timer_key(KEEP)) is None:
        draft.set_timer(KEEP, draft.at_ms + KEEP_MS)


def keep(draft: TriggerDraft) -> None:
    """Say again how the triggers are, if there are any."""
    rows = [row for _key, row in draft.scan("s/")]
    for row in rows:
        draft.emit(replace(row.now, why="kept"))
    if rows:
        draft.set_timer(KEEP, draft.at_ms + KEEP_MS)


def _start(draft: TriggerDraft, trigger: Trigger, off: bool) -> None:
    definition = f"{definition_of(trigger)}{' off' if off else ''}"
    now = draft.scheduled(trigger.id)
    if now is not None and now.definition == definition:
        return
    if now is None:
        now = e.TriggerChanged(trigger_id=trigger.id, at_ms=draft.at_ms, why="started", definition="", next_ms=None)
    begun = replace(now, why="started", at_ms=draft.at_ms, definition=definition, next_ms=None, backfill=None)
    draft.emit(replace(begun, next_ms=_first(draft, trigger, off)))
    set_timers(draft, draft.scheduled(trigger.id) or begun)


def _first(draft: TriggerDraft, trigger: Trigger, off: bool) -> int | None:
    if off or trigger.disabled:
        return None
    try:
        return Schedule(draft, trigger).following(draft.at_ms)
    except (ValueError, expression.RenderError, expression.NeedsWorld):
        return None


def remove(draft: TriggerDraft, trigger_id: str) -> None:
    """Forget a trigger."""
    for purpose in (TICK, BACKFILL):
        draft.clear_timer(f"{purpose}/{trigger_id}")
    if draft.get(scheduled_key(trigger_id)) is not None:
        draft.emit(e.TriggerRemoved(trigger_id=trigger_id))


# ---- dates ----------------------------------------------------------------------------------------------------------


def tick(draft: TriggerDraft, trigger_id: str) -> None:
    """A date has come."""
    now, schedule = draft.scheduled(trigger_id), schedule_of(draft, trigger_id)
    if now is None or schedule is None or now.next_ms is None or now.backfill is not None:
        return
    if schedule.waits and now.execution_id:
        return
    date = _date(schedule, now, now.next_ms)
    if date is None or date > draft.at_ms or not schedule.holds(date):
        following = date if date is not None and date > draft.at_ms else schedule.following(date or draft.at_ms)
        change(draft, now, "moved", next_ms=following)
        return
    execution_id = derive_id("schedule", draft.id, trigger_id, date)
    fire(draft, schedule, date, execution_id, None)
    waited_for = execution_id if schedule.waits else ""
    change(draft, now, "ticked", next_ms=schedule.following(date), last_ms=date, execution_id=waited_for)


def _date(schedule: Schedule, now: e.TriggerChanged, date: int) -> int | None:
    """Return the date that counts now: the one that has come, or what the trigger's policy makes of missed ones."""
    at_ms, properties = schedule.draft.at_ms, schedule.trigger.properties
    late_max = late_max_ms(properties)
    if late_max is not None and date < at_ms - late_max:
        return schedule.following(at_ms - late_max - 1)
    if at_ms - max(date, now.released_ms) <= MISSED_MS:
        return date
    policy = properties.get("recoverMissedSchedules")
    if policy == "NONE":
        return schedule.following(at_ms)
    return before(schedule.dates, at_ms + 1, schedule.holds) or date if policy == "LAST" else date


def fire(draft: TriggerDraft, schedule: Schedule, date: int, execution_id: str, past: e.Backfill | None) -> None:
    """Ask for the execution of a date; `past` is the backfill that it belongs to."""
    trigger, header = schedule.trigger, draft.header
    assert header is not None, draft.id
    schedule.holds(date)
    failure = schedule.problem
    variables = schedule.variables(date)
    scope = draft.scope({"trigger": variables, "schedule": variables}, execution_id)
    given = rendered_of(trigger, scope)
    if past is not None and not given.failure:
        inputs = {**given.inputs, **msgspec.json.decode(past.inputs_json)}
        given = bounded(trigger, inputs, {**given.labels, **past.labels})
    started = {"id": trigger.id, "type": trigger.declared_type or trigger.type, "variables": variables}
    draft.emit(
        e.TriggerFired(
            trigger_id=trigger.id,
            execution_id=execution_id,
            namespace=header.namespace,
            flow_id=header.flow_id,
            revision=header.revision,
            at_ms=draft.at_ms,
            inputs_json=to_json(given.inputs, "The inputs"),
            labels=given.labels,
            trigger_json=to_json(started, "The trigger's variables"),
            failure=failure or given.failure,
            reply_end=schedule.waits or bool(trigger.properties.get("stopAfter")),
        )
    )


# ---- what it started ------------------------------------------------------------------------------------------------


def note_execution_ended(draft: TriggerDraft, command: c.NoteExecutionEnded) -> None:
    """Go on after the execution that was waited for; `stopAfter` may turn the trigger off."""
    draft.answers.append(SendCommand(kind="executions", id=command.execution_id, command=NoteStarterHeard()))
    now, trigger = draft.scheduled(command.trigger_id), draft.trigger(command.trigger_id)
    if now is None:
        return
    stops = trigger.properties.get("stopAfter") if trigger is not None else None
    stopped = isinstance(stops, list) and str(command.state) in stops and not now.disabled
    if now.execution_id == command.execution_id:
        change(draft, now, "released", execution_id="", released_ms=draft.at_ms, disabled=now.disabled or stopped)
    elif stopped and now.last_ms is not None:
        change(draft, now, "switched", disabled=True)
