from __future__ import annotations

from engine.catalog.commands import NoteLimitFollowed
from engine.execution.commands import AnswerSlot, SlotAnswer
from engine.machine import SendCommand
from engine.slots import commands as c
from engine.slots.decide import GRANTS_MAX
from engine.slots.react import GRANT_AGAIN_MS, NEXT_AGAIN_MS, OUTSTANDING
from tests.engine.slots.driven import DrivenSlots, told


def test_slots_are_granted_up_to_the_limit_and_the_next_one_waits() -> None:
    slots = DrivenSlots(limit=2)

    assert slots.ask("a") == {"a": "GRANTED"}
    assert slots.ask("b") == {"b": "GRANTED"}
    assert slots.ask("c") == {"c": "QUEUED"}
    assert slots.holders() == {"a", "b"}


def test_whoever_came_first_is_next() -> None:
    slots = DrivenSlots()
    for who in "abcd":
        slots.ask(who)

    assert slots.release("a") == {"a": "RETURNED", "b": "GRANTED"}
    assert slots.release("b") == {"b": "RETURNED", "c": "GRANTED"}
    assert slots.queue() == ["d"]


def test_a_request_that_comes_again_is_answered_again_and_changes_nothing() -> None:
    slots = DrivenSlots()
    slots.ask("a")
    slots.ask("b")
    before = dict(slots.rows.rows)

    assert slots.ask("a") == {"a": "GRANTED"}
    assert slots.ask("b") == {"b": "QUEUED"}
    assert slots.rows.rows == before


def test_a_slot_that_is_given_back_twice_is_free_once() -> None:
    slots = DrivenSlots()
    for who in "abc":
        slots.ask(who)
    slots.release("a")

    assert slots.release("a") == {"a": "RETURNED"}
    assert slots.holders() == {"b"}


def test_without_a_queue_the_execution_over_the_limit_is_refused() -> None:
    slots = DrivenSlots()
    slots.ask("a", behavior="CANCEL")

    assert slots.ask("b", behavior="CANCEL") == {"b": "REFUSED"}
    assert slots.ask("c", behavior="FAIL") == {"c": "REFUSED"}
    assert slots.place("b") is None
    slots.release("a")
    assert slots.ask("b", behavior="CANCEL") == {"b": "GRANTED"}


def test_whoever_leaves_the_queue_from_its_beginning_middle_or_end_leaves_the_others_in_order() -> None:
    slots = DrivenSlots()
    for who in "abcdefg":
        slots.ask(who)

    assert slots.release("b") == {"b": "RETURNED"}
    assert slots.release("e") == {"e": "RETURNED"}
    assert slots.release("g") == {"g": "RETURNED"}
    assert slots.queue() == ["c", "d", "f"]
    slots.ask("h")
    assert slots.queue() == ["c", "d", "f", "h"]


def test_a_forced_one_gets_a_slot_beyond_the_limit_and_nobody_else_until_two_are_back() -> None:
    slots = DrivenSlots()
    for who in "abc":
        slots.ask(who)

    assert slots.ask("c", forced=True) == {"c": "GRANTED"}
    assert slots.queue() == ["b"]
    assert slots.holders() == {"a", "c"}
    assert slots.release("a") == {"a": "RETURNED"}
    assert slots.release("c") == {"c": "RETURNED", "b": "GRANTED"}


def test_a_raised_limit_lets_those_run_that_wait_before_the_one_that_brought_it() -> None:
    slots = DrivenSlots()
    for who in "abcd":
        slots.ask(who)

    assert slots.ask("e", revision=2, limit=3) == {"b": "GRANTED", "c": "GRANTED", "e": "QUEUED"}
    assert slots.queue() == ["d", "e"]


def test_a_new_revision_lets_those_run_that_wait_without_any_execution_of_it() -> None:
    slots = DrivenSlots()
    for who in "abcd":
        slots.ask(who)
    done = slots.send(c.FollowLimit(revision=2, limit=3))

    noted = SendCommand(kind="flows", id="test/flow", command=NoteLimitFollowed(revision=2))
    assert told(done) == {"b": "GRANTED", "c": "GRANTED"} and noted in done.effects
    again = slots.send(c.FollowLimit(revision=2, limit=3))
    assert (again.events, again.effects) == ((), (noted,))
    assert slots.send(c.FollowLimit(revision=1, limit=1)).events == ()


def test_without_a_limit_any_longer_all_that_wait_run() -> None:
    slots = DrivenSlots()
    for who in "abcd":
        slots.ask(who)

    assert told(slots.send(c.FollowLimit(revision=2, limit=0))) == {"b": "GRANTED", "c": "GRANTED", "d": "GRANTED"}
    assert slots.ask("e") == {"e": "GRANTED"}, "of the older revision"


def test_slots_that_nobody_asked_for_answer_only() -> None:
    slots = DrivenSlots()
    done = slots.send(c.FollowLimit(revision=2, limit=3))

    assert done.events == () and len(done.effects) == 1


def test_a_lowered_limit_takes_no_slot_away() -> None:
    slots = DrivenSlots(limit=2)
    for who in "abc":
        slots.ask(who)
    slots.ask("d", revision=2, limit=1)

    assert slots.holders() == {"a", "b"}
    assert slots.release("a") == {"a": "RETURNED"}
    assert slots.release("b") == {"b": "RETURNED", "c": "GRANTED"}


def test_an_older_revision_does_not_bring_its_limit_back() -> None:
    slots = DrivenSlots()
    slots.ask("a", revision=1, limit=1)
    slots.ask("b", revision=2, limit=2)
    slots.ask("c", revision=1, limit=1)
    slots.release("a")

    assert slots.holders() == {"b", "c"}


def test_one_step_grants_a_bounded_number_and_the_ends_of_those_bring_the_rest() -> None:
    slots = DrivenSlots()
    for index in range(2 * GRANTS_MAX + 10):
        slots.ask(f"e{index}")

    assert len(slots.ask("last", revision=2, limit=1000)) == GRANTS_MAX + 1
    slots.release("e1")
    assert slots.ask("later", revision=2, limit=1000)["later"] == "GRANTED"
    assert slots.queue() == []


def test_a_newcomer_never_overtakes_those_that_a_bounded_step_left_waiting() -> None:
    slots = DrivenSlots()
    for index in range(3 * GRANTS_MAX):
        slots.ask(f"e{index}")
    slots.ask("x", revision=2, limit=1000)

    assert slots.ask("y", revision=2, limit=1000)["y"] == "QUEUED"


def test_a_restart_asks_under_a_new_number_and_stands_at_the_end() -> None:
    slots = DrivenSlots()
    for who in "ab":
        slots.ask(who)

    assert slots.ask("a", number=2) == {"a": "QUEUED", "b": "GRANTED"}
    assert slots.release("a", number=1) == {"a": "RETURNED"}
    assert slots.queue() == ["a"]
    assert slots.ask("a", number=1) == {}


def test_a_return_whose_request_never_came_ends_what_was_before() -> None:
    slots = DrivenSlots()
    for who in "ab":
        slots.ask(who)

    assert slots.release("a", number=2) == {"a": "RETURNED", "b": "GRANTED"}
    assert slots.place("a") is None


def test_a_slot_is_said_again_until_its_execution_confirms_it() -> None:
    slots = DrivenSlots()
    for who in "ab":
        slots.ask(who)

    waits = OUTSTANDING["p"](slots.place("a"))
    granted = AnswerSlot(scope="test/flow", number=1, answer=SlotAnswer.GRANTED)
    assert waits is not None
    assert (waits.effect, waits.first_ms) == (SendCommand(kind="executions", id="a", command=granted), GRANT_AGAIN_MS)
    assert OUTSTANDING["p"](slots.place("b")) is None
    slots.release("a")
    waits = OUTSTANDING["p"](slots.place("b"))
    assert waits is not None and waits.first_ms == NEXT_AGAIN_MS
    slots.send(c.ConfirmSlot(execution_id="b", number=1))
    assert OUTSTANDING["p"](slots.place("b")) is None
    assert slots.send(c.ConfirmSlot(execution_id="b", number=1)).events == ()


def test_a_confirmation_of_something_else_is_ignored() -> None:
    slots = DrivenSlots()
    slots.ask("a", number=2)
    slots.ask("b")

    for who, number in (("a", 1), ("b", 1), ("c", 1)):
        assert slots.send(c.ConfirmSlot(execution_id=who, number=number)).events == ()


def test_a_step_costs_the_same_however_many_wait() -> None:
    slots = DrivenSlots(checked=False)
    costs = []
    for waiting in (range(10), range(10, 10_000)):
        for index in waiting:
            slots.ask(f"e{index}")
        slots.rows.gets = 0
        slots.ask("newcomer")
        slots.release("newcomer")
        first = slots.header.first
        slots.release(next(iter(slots.holders())))
        assert slots.holders() == {first}
        costs.append(slots.rows.gets)
    assert slots.rows.scans == 0
    assert costs[0] == costs[1]
