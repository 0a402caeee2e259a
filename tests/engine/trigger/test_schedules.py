"""Triggers that go by time: what dates bring, after downtimes, while something runs, and what people do to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from engine.catalog.commands import NoteTriggersFollowed
from engine.execution.commands import CreateExecution, NoteListenerReached, NoteStarterHeard
from engine.machine import CommandRejected, SendCommand
from engine.trigger import commands as c
from engine.trigger import events as e
from engine.values import State
from tests.engine.trigger.driven import Triggers, flow_of, variables_of

SCHEDULE = "io.kestra.plugin.core.trigger.Schedule"
CONDITION = "io.kestra.plugin.core.condition."
MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOON = ms("2026-03-06T12:00")


def scheduled(trigger: str = 'cron: "*/10 * * * *"', more: str = "", at_ms: int = NOON + MINUTE) -> Triggers:
    indented = "\n".join("  " + line for line in trigger.splitlines())
    triggers = Triggers(flow_of(f"- id: tick\n  type: {SCHEDULE}\n{indented}", more), at_ms)
    triggers.send(c.FollowFlow(namespace="own", flow_id="listener", revision=1))
    return triggers


def now(triggers: Triggers) -> e.TriggerChanged:
    row: Any = triggers.rows.rows["s/tick"]
    changed: e.TriggerChanged = row.now
    return changed


def ended(triggers: Triggers, execution_id: str = "", state: State = State.SUCCESS) -> Any:
    """Tell the trigger that its execution has ended."""
    execution_id = execution_id or now(triggers).execution_id
    return triggers.send(c.NoteExecutionEnded(trigger_id="tick", execution_id=execution_id, state=state))


def run(triggers: Triggers, until_ms: int) -> list[str]:
    """Let time pass, each execution end at once, and return the dates that brought one."""
    before = len(triggers.created())
    for _ in range(10_000):
        triggers.fire(min([*triggers.timers().values(), until_ms]))
        waiting = now(triggers).execution_id
        if waiting:
            ended(triggers)
        elif triggers.now_ms >= until_ms and not any(due <= until_ms for due in triggers.timers().values()):
            break
        triggers.now_ms = max(triggers.now_ms, 0)
    return [variables_of(command)["date"] for _, command in triggers.created()[before:]]


def test_each_date_starts_an_execution_that_knows_the_dates_around_it() -> None:
    triggers = scheduled('cron: "*/10 * * * *"\ninputs: {at: "{{ trigger.date }}"}\nlabels: {from: cron}')

    assert run(triggers, NOON + 25 * MINUTE) == ["2026-03-06T12:10:00Z", "2026-03-06T12:20:00Z"]
    _, command = triggers.created()[0]
    assert variables_of(command) == {
        "date": "2026-03-06T12:10:00Z",
        "next": "2026-03-06T12:20:00Z",
        "previous": "2026-03-06T12:00:00Z",
    }
    assert msgspec.json.decode(command.inputs_json) == {"at": "2026-03-06T12:10:00Z"}
    assert command.labels == {"from": "cron"}
    assert (command.reply_kind, command.reply_id, command.reply_end) == ("triggers", "own/listener", True)


def test_dates_are_in_the_zone_of_the_trigger_whatever_clocks_do() -> None:
    triggers = scheduled('cron: "30 2 * * *"\ntimezone: Europe/Paris', at_ms=ms("2026-03-27T12:00"))

    assert run(triggers, ms("2026-03-30T12:00")) == [
        "2026-03-28T02:30:00+01:00",
        "2026-03-29T03:30:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_a_repeated_date_starts_nothing_a_second_time() -> None:
    triggers = scheduled()
    due = triggers.timers()["tick/tick"]
    triggers.fire(due)

    again = triggers.send(c.FireTimer(timer_id="tick/tick", generation=due))

    assert again.events == () and len(triggers.created()) == 1


def test_the_same_date_has_the_same_execution_however_it_comes_about() -> None:
    one, other = scheduled(), scheduled(at_ms=NOON + 5 * MINUTE)
    for triggers in (one, other):
        triggers.fire(NOON + 10 * MINUTE)

    assert one.created()[0][0] == other.created()[0][0]


def test_nothing_starts_while_the_last_execution_runs_and_what_passed_comes_afterwards() -> None:
    triggers = scheduled()
    triggers.fire(NOON + 35 * MINUTE)
    assert len(triggers.created()) == 1

    ended(triggers)
    triggers.fire(triggers.now_ms)

    assert [variables_of(command)["date"] for _, command in triggers.created()] == [
        "2026-03-06T12:10:00Z",
        "2026-03-06T12:20:00Z",
    ]


def test_with_allow_concurrent_nothing_is_waited_for() -> None:
    triggers = scheduled('cron: "*/10 * * * *"\nallowConcurrent: true')
    triggers.fire(NOON + 35 * MINUTE)

    assert len(triggers.created()) == 3
    assert not triggers.created()[0][1].reply_end


def test_the_end_of_an_execution_is_answered_each_time_and_counts_once() -> None:
    triggers = scheduled()
    triggers.fire(NOON + 10 * MINUTE)
    execution_id = now(triggers).execution_id
    answer = SendCommand(kind="executions", id=execution_id, command=NoteStarterHeard())

    first, second = ended(triggers, execution_id), ended(triggers, execution_id)

    assert answer in first.effects and second.effects == (answer,) and second.events == ()


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("ALL", ["12:10", "12:20", "12:30", "12:40"]),
        ("LAST", ["12:30", "12:40"]),
        ("NONE", ["12:40"]),
    ],
)
def test_dates_that_passed_while_nobody_was_there(policy: str, expected: list[str]) -> None:
    triggers = scheduled(f'cron: "*/10 * * * *"\nrecoverMissedSchedules: {policy}')

    triggers.now_ms = NOON + 35 * MINUTE
    dates = run(triggers, NOON + 45 * MINUTE)

    assert [date[11:16] for date in dates] == expected


def test_dates_that_are_too_late_are_left_out() -> None:
    triggers = scheduled('cron: "*/10 * * * *"\nlateMaximumDelay: PT12M')

    triggers.now_ms = NOON + 35 * MINUTE
    dates = run(triggers, NOON + 45 * MINUTE)

    assert [date[11:16] for date in dates] == ["12:30", "12:40"]


WORKDAYS = f"""cron: "0 9 * * *"
conditions:
  - type: {CONDITION}Not
    conditions: [{{type: {CONDITION}Weekend}}]"""


@pytest.mark.parametrize("trigger", [WORKDAYS, 'cron: "0 9 * * *"\nwhen: "{{ not isWeekend(trigger.date) }}"'])
def test_conditions_leave_dates_out_and_the_dates_around_are_those_that_hold(trigger: str) -> None:
    triggers = scheduled(trigger)

    assert run(triggers, ms("2026-03-10T00:00")) == ["2026-03-09T09:00:00Z"]
    assert variables_of(triggers.created()[0][1]) == {
        "date": "2026-03-09T09:00:00Z",
        "next": "2026-03-10T09:00:00Z",
        "previous": "2026-03-06T09:00:00Z",
    }


def test_conditions_that_hold_rarely_are_looked_at_in_portions() -> None:
    rare = f'cron: "* * * * *"\nconditions: [{{type: {CONDITION}DayWeekInMonth, dayOfWeek: MONDAY, dayInMonth: FIRST}}]'
    triggers = scheduled(rare, at_ms=ms("2026-03-30T12:00"))

    triggers.fire(ms("2026-04-06T00:00"))

    assert [variables_of(command)["date"] for _, command in triggers.created()] == ["2026-04-06T00:00:00Z"]


def test_a_condition_that_cannot_be_evaluated_starts_an_execution_that_fails_visibly() -> None:
    triggers = scheduled('cron: "*/10 * * * *"\nwhen: "{{ nothing }}"')
    triggers.fire(NOON + 10 * MINUTE)

    assert "condition of trigger tick can't be evaluated" in triggers.created()[0][1].failure


def test_inputs_that_cannot_be_rendered_fail_visibly() -> None:
    triggers = scheduled('cron: "*/10 * * * *"\ninputs: {x: "{{ nothing }}"}')
    triggers.fire(NOON + 10 * MINUTE)

    assert "Inputs or labels of trigger tick" in triggers.created()[0][1].failure


@pytest.mark.parametrize(("off", "more"), [("disabled: true", ""), ("", "disabled: true")])
def test_what_is_disabled_has_no_dates_until_it_is_enabled(off: str, more: str) -> None:
    triggers = scheduled(f'cron: "*/10 * * * *"\n{off}', more)
    assert now(triggers).next_ms is None and triggers.timers() == {}

    triggers.flow = flow_of(f'- {{id: tick, type: {SCHEDULE}, cron: "*/10 * * * *"}}')
    triggers.send(c.FollowFlow(namespace="own", flow_id="listener", revision=2))

    assert triggers.timers()["tick/tick"] == NOON + 10 * MINUTE


def test_a_revision_that_leaves_a_trigger_as_it_is_leaves_its_dates_and_another_begins_anew() -> None:
    triggers = scheduled()
    triggers.now_ms = NOON + 15 * MINUTE
    triggers.send(c.FollowFlow(namespace="own", flow_id="listener", revision=2))
    assert now(triggers).next_ms == NOON + 10 * MINUTE

    triggers.flow = flow_of(f'- {{id: tick, type: {SCHEDULE}, cron: "0 * * * *"}}')
    triggers.send(c.FollowFlow(namespace="own", flow_id="listener", revision=3))
    assert now(triggers).next_ms == NOON + HOUR and triggers.timers() == {"tick/tick": NOON + HOUR}


def test_triggers_go_with_their_flow_and_an_older_word_does_not_bring_them_back() -> None:
    triggers = scheduled()
    follow = c.FollowFlow(namespace="own", flow_id="listener", revision=1)

    done = triggers.send(msgspec.structs.replace(follow, deleted=True))
    late = triggers.send(follow)

    told = NoteTriggersFollowed(revision=1, deleted=True)
    assert done.effects == (SendCommand(kind="flows", id="own/listener", command=told),)
    assert late.events == () and late.effects
    assert "s/tick" not in triggers.rows.rows and triggers.timers() == {}


def test_being_told_again_changes_nothing_and_is_answered() -> None:
    triggers = scheduled()

    again = triggers.send(c.FollowFlow(namespace="own", flow_id="listener", revision=1))

    assert again.events == () and len(again.effects) == 1


def test_stop_after_turns_a_trigger_off() -> None:
    triggers = scheduled('cron: "*/10 * * * *"\nstopAfter: [FAILED]')
    triggers.fire(NOON + 10 * MINUTE)
    ended(triggers)
    assert not now(triggers).disabled

    triggers.fire(NOON + 20 * MINUTE)
    ended(triggers, state=State.FAILED)

    assert now(triggers).disabled and triggers.timers() == {}


# ---- dates of a list ------------------------------------------------------------------------------------------------

ON_DATES = """
- id: tick
  type: io.kestra.plugin.core.trigger.ScheduleOnDates
  timezone: Europe/Paris
  dates: ["2026-03-07T10:00:00", "2026-03-06T10:00:00Z", "2026-03-09T10:00:00Z"]
"""


def test_dates_of_a_list_come_in_their_order_and_end() -> None:
    triggers = Triggers(flow_of(ON_DATES), NOON)
    triggers.send(c.FollowFlow(namespace="own", flow_id="listener", revision=1))

    assert run(triggers, NOON + 30 * DAY) == ["2026-03-07T10:00:00+01:00", "2026-03-09T11:00:00+01:00"]
    assert variables_of(triggers.created()[1][1]) == {
        "date": "2026-03-09T11:00:00+01:00",
        "previous": "2026-03-07T10:00:00+01:00",
    }
    assert now(triggers).next_ms is None and triggers.timers() == {}


# ---- people ---------------------------------------------------------------------------------------------------------


def refused(triggers: Triggers, command: Any) -> str:
    (event,) = triggers.send(msgspec.structs.replace(command, request="r")).events
    assert isinstance(event, CommandRejected)
    return event.message


def test_a_person_turns_a_trigger_off_and_on_again() -> None:
    triggers = scheduled()

    triggers.send(c.SwitchTrigger(trigger_id="tick", disabled=True))
    assert now(triggers).disabled and triggers.timers() == {}
    triggers.now_ms = NOON + 31 * MINUTE
    triggers.send(c.SwitchTrigger(trigger_id="tick", disabled=False))

    assert triggers.timers() == {"tick/tick": NOON + 40 * MINUTE}
    assert triggers.send(c.SwitchTrigger(trigger_id="tick", disabled=False)).events == ()
    assert "there is none" in refused(triggers, c.SwitchTrigger(trigger_id="other", disabled=True))


def test_an_execution_turns_a_trigger_off_once_however_often_it_says_so() -> None:
    triggers = scheduled()
    off = c.SwitchTrigger(trigger_id="tick", disabled=True, told_id="told", execution_id="e")
    answer = SendCommand(kind="executions", id="e", command=NoteListenerReached(told_id="told"))

    assert answer in triggers.send(off).effects and now(triggers).disabled
    triggers.send(c.SwitchTrigger(trigger_id="tick", disabled=False))
    again = triggers.send(off)

    assert again.effects == (answer,) and again.events == () and not now(triggers).disabled


def test_an_execution_that_turns_off_what_is_not_there_is_answered() -> None:
    done = scheduled().send(c.SwitchTrigger(trigger_id="other", disabled=True, told_id="told", execution_id="e"))

    assert done.events == () and len(done.effects) == 1


def test_a_person_lets_a_trigger_go_on_that_waits() -> None:
    triggers = scheduled()
    assert "doesn't" in refused(triggers, c.UnlockTrigger(trigger_id="tick"))
    triggers.fire(NOON + 15 * MINUTE)

    triggers.send(c.UnlockTrigger(trigger_id="tick"))

    assert now(triggers).execution_id == "" and triggers.timers() == {"tick/tick": NOON + 20 * MINUTE}


def test_a_restart_begins_at_the_next_date_from_now() -> None:
    triggers = scheduled()
    triggers.fire(NOON + 45 * MINUTE)

    triggers.send(c.RestartTrigger(trigger_id="tick"))

    assert triggers.timers() == {"tick/tick": NOON + 50 * MINUTE}


def test_only_what_the_flow_does_not_declare_is_deleted() -> None:
    triggers = scheduled()

    assert "declares" in refused(triggers, c.DeleteTrigger(trigger_id="tick"))
    triggers.flow = flow_of("- {id: other, type: io.kestra.plugin.core.trigger.Webhook, key: abc}")
    triggers.send(c.DeleteTrigger(trigger_id="tick"))
    assert "s/tick" not in triggers.rows.rows


def test_a_backfill_runs_the_dates_of_the_past_one_after_the_other_and_then_the_schedule_goes_on() -> None:
    triggers = scheduled('cron: "0 * * * *"\ninputs: {a: x, b: "{{ trigger.date }}"}')
    start = c.CreateBackfill(
        trigger_id="tick",
        start_ms=NOON - 3 * HOUR,
        end_ms=NOON - HOUR,
        inputs_json=b'{"a": "y"}',
        labels={"fill": "back"},
    )
    triggers.send(start)

    dates = run(triggers, NOON + HOUR)

    assert [date[11:16] for date in dates] == ["09:00", "10:00", "11:00", "13:00"]
    _, command = triggers.created()[0]
    assert msgspec.json.decode(command.inputs_json) == {"a": "y", "b": "2026-03-06T09:00:00Z"}
    assert command.labels == {"fill": "back"}
    assert now(triggers).backfill is None
    assert len({execution_id for execution_id, _ in triggers.created()}) == 4


def test_a_backfill_rests_goes_on_and_is_ended() -> None:
    triggers = scheduled('cron: "0 * * * *"')
    triggers.send(c.CreateBackfill(trigger_id="tick", start_ms=NOON - DAY, end_ms=0))
    triggers.send(c.PauseBackfill(trigger_id="tick", paused=True))
    assert triggers.timers() == {}
    triggers.send(c.PauseBackfill(trigger_id="tick", paused=False))
    triggers.fire(triggers.now_ms)
    assert len(triggers.created()) == 1

    triggers.send(c.DeleteBackfill(trigger_id="tick"))
    ended(triggers)

    assert now(triggers).backfill is None and triggers.timers() == {"tick/tick": NOON + HOUR}


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "why"),
    [
        (NOON + HOUR, 0, "starts in the past"),
        (NOON - HOUR, NOON - 2 * HOUR, "before it ends"),
        (NOON - 50 * MINUTE, NOON - 40 * MINUTE, "has none"),
    ],
)
def test_a_backfill_without_dates_is_refused(start_ms: int, end_ms: int, why: str) -> None:
    triggers = scheduled('cron: "0 * * * *"')

    assert why in refused(triggers, c.CreateBackfill(trigger_id="tick", start_ms=start_ms, end_ms=end_ms))


def test_a_second_backfill_and_one_of_a_trigger_that_is_off_are_refused() -> None:
    triggers = scheduled('cron: "0 * * * *"')
    create = c.CreateBackfill(trigger_id="tick", start_ms=NOON - DAY, end_ms=0)
    triggers.send(create)
    assert "has one" in refused(triggers, create)

    off = scheduled('cron: "0 * * * *"\ndisabled: true')
    assert "that is on" in refused(off, create)
    assert "has none" in refused(off, c.DeleteBackfill(trigger_id="tick"))


def test_commands_for_executions_are_complete() -> None:
    triggers = scheduled()
    triggers.fire(NOON + 10 * MINUTE)

    ((execution_id, command),) = triggers.created()

    assert isinstance(command, CreateExecution) and command.namespace == "own" and command.revision == 1
    assert now(triggers).execution_id == execution_id


def test_how_a_trigger_is_is_said_again_before_the_log_forgets_it() -> None:
    triggers = scheduled('cron: "0 0 1 1 *"')
    due = triggers.rows.rows["m/keep"].due_ms
    before = now(triggers)
    triggers.now_ms = due

    triggers.send(c.FireTimer(timer_id="keep", generation=due))

    assert now(triggers) == msgspec.structs.replace(before, why="kept")
    assert triggers.rows.rows["m/keep"].due_ms == due + 10 * DAY
