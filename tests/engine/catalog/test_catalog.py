from __future__ import annotations

import pytest

from engine import machine
from engine.catalog import commands as c
from engine.catalog import events as e
from engine.catalog.decide import SOURCE_BYTES_MAX, same_source
from engine.catalog.react import OUTSTANDING
from engine.catalog.state import CatalogHeader, Revision, ToldSlots, revision_key
from engine.catalog.step import FLOWS, step
from engine.errors import Reason
from engine.machine import Command, CommandRejected, SendCommand, Step
from engine.slots.commands import FollowLimit
from tests.engine.execution.driven import DictRows

SOURCE = "id: f\nnamespace: a.b\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: x}]\n"


class Catalogue:
    """One flow of the catalogue; recorded events must fold to the same rows."""

    def __init__(self) -> None:
        self.rows = DictRows()
        self.replayed = DictRows()

    def send(self, command: Command) -> Step:
        done = step("a.b/f", self.rows, command, 1000)
        assert done == step("a.b/f", self.rows, command, 1000)
        self.rows.apply(done.changed)
        self.replayed.apply(machine.fold(FLOWS, self.replayed, done.events))
        assert self.replayed.rows == self.rows.rows
        return done

    def save(self, source: str = SOURCE, mode: str = "upsert", request: str = "r") -> machine.Event | None:
        events = self.send(c.SaveFlow(namespace="a.b", flow_id="f", source=source, mode=mode, request=request)).events
        return events[0] if events else None

    def delete(self) -> machine.Event:
        return self.send(c.DeleteFlow(namespace="a.b", flow_id="f", request="r")).events[0]


def refused(event: machine.Event | None) -> Reason:
    assert isinstance(event, CommandRejected)
    return event.reason


def test_the_first_source_is_revision_one() -> None:
    flow = Catalogue()

    assert flow.save() == e.FlowSaved(namespace="a.b", flow_id="f", revision=1, source=SOURCE, at_ms=1000)
    assert flow.rows.rows == {"h": CatalogHeader(revision=1), revision_key(1): Revision(source=SOURCE, at_ms=1000)}


def test_the_same_source_again_changes_nothing() -> None:
    flow = Catalogue()
    flow.save()

    assert flow.save() is None
    assert flow.save("revision: 7\n" + SOURCE + "\n\n") is None


def test_another_source_is_the_next_revision_and_the_former_stays() -> None:
    flow = Catalogue()
    flow.save()
    saved = flow.save(SOURCE.replace("message: x", "message: y"))

    assert isinstance(saved, e.FlowSaved)
    assert saved.revision == 2
    assert flow.rows.rows["h"] == CatalogHeader(revision=2)
    assert revision_key(1) in flow.rows.rows


def test_going_back_to_an_older_source_is_a_new_revision() -> None:
    flow = Catalogue()
    flow.save()
    flow.save(SOURCE.replace("message: x", "message: y"))
    saved = flow.save()

    assert isinstance(saved, e.FlowSaved)
    assert saved.revision == 3


def test_create_refuses_a_flow_that_exists_and_update_one_that_does_not() -> None:
    flow = Catalogue()
    assert refused(flow.save(mode="update")) is Reason.NOT_FOUND
    assert isinstance(flow.save(mode="create"), e.FlowSaved)
    assert refused(flow.save(mode="create")) is Reason.ALREADY_EXISTS
    assert isinstance(flow.save(SOURCE.replace("x}", "z}"), mode="update"), e.FlowSaved)


def test_a_deleted_flow_may_be_created_again_and_its_revisions_go_on_counting() -> None:
    flow = Catalogue()
    flow.save()
    assert flow.delete() == e.FlowDeleted(namespace="a.b", flow_id="f", revision=1, at_ms=1000)
    assert revision_key(1) in flow.rows.rows, "executions may still run it"
    assert refused(flow.save(mode="update")) is Reason.NOT_FOUND
    saved = flow.save(mode="create")

    assert isinstance(saved, e.FlowSaved)
    assert saved.revision == 2, "the same source, but it was gone in between"


def test_what_is_not_there_cannot_be_deleted() -> None:
    flow = Catalogue()
    assert refused(flow.delete()) is Reason.NOT_FOUND
    flow.save()
    flow.delete()
    assert refused(flow.delete()) is Reason.NOT_FOUND


def test_an_invalid_source_is_refused_with_its_first_error() -> None:
    flow = Catalogue()
    event = flow.save("id: f\nnamespace: a.b\ntasks: []\n")
    assert refused(event) is Reason.INVALID_ARGUMENT
    assert isinstance(event, CommandRejected)
    assert "tasks" in event.message
    assert refused(flow.save(SOURCE + "nonsense: 1\n")) is Reason.INVALID_ARGUMENT
    assert refused(flow.save("{")) is Reason.INVALID_ARGUMENT
    assert flow.rows.rows == {}


def test_a_source_of_another_flow_is_refused() -> None:
    flow = Catalogue()

    assert refused(flow.save(SOURCE.replace("id: f\n", "id: g\n"))) is Reason.INVALID_ARGUMENT
    assert refused(flow.save(SOURCE.replace("a.b", "a.c"))) is Reason.INVALID_ARGUMENT


def test_a_source_that_no_record_holds_is_refused() -> None:
    event = Catalogue().save(SOURCE + "# " + "x" * SOURCE_BYTES_MAX + "\n")

    assert refused(event) is Reason.TOO_LARGE


def test_a_refusal_that_nobody_waits_for_is_nothing() -> None:
    assert Catalogue().save("{", request="") is None


def test_only_a_revision_line_at_the_top_level_does_not_count() -> None:
    assert same_source(SOURCE, "revision: 3\n" + SOURCE)
    assert not same_source(SOURCE, SOURCE + "  revision: 3\n")
    assert not same_source(SOURCE, SOURCE + "# a comment counts\n")


def limited(limit: int | None) -> str:
    return SOURCE if limit is None else f"{SOURCE}concurrency: {{limit: {limit}}}\n"


def test_slots_are_told_of_another_limit_until_they_answer() -> None:
    flow = Catalogue()
    flow.save(limited(1))
    assert flow.rows.rows.get("c") is None, "executions bring the first limit themselves"
    save = c.SaveFlow(namespace="a.b", flow_id="f", source=limited(3))
    done = flow.send(save)

    follow = SendCommand(kind="slots", id="a.b/f", command=FollowLimit(revision=2, limit=3))
    assert follow in done.effects
    waits = OUTSTANDING["c"](flow.rows.rows["c"])
    assert waits is not None and waits.effect == follow
    flow.send(c.NoteLimitFollowed(revision=1))
    assert "c" in flow.rows.rows
    flow.send(c.NoteLimitFollowed(revision=2))
    assert "c" not in flow.rows.rows
    assert flow.send(c.NoteLimitFollowed(revision=2)).events == ()


@pytest.mark.parametrize(("before", "after", "told"), [(1, None, 0), (2, 1, 1), (2, 2, None), (None, 2, None)])
def test_slots_hear_only_of_a_limit_that_others_may_wait_for(
    before: int | None, after: int | None, told: int | None
) -> None:
    flow = Catalogue()
    flow.save(limited(before))
    flow.save(limited(after) + "# changed\n")
    row = flow.rows.rows.get("c")

    assert (row.changed.limit if isinstance(row, ToldSlots) else None) == told
