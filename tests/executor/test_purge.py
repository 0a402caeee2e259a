"""Rows of executions that ended well go after some days; what is needed stays."""

from __future__ import annotations

import msgspec
import pytest

from engine.execution.state import HEADER, Header, Output, TaskRun
from engine.execution.step import EXECUTIONS
from engine.machine import SEQUENCE, Row, Rows, Sequence
from engine.values import State
from executor.state import purge as purging
from executor.state.memory import MemoryStore
from executor.state.purge import ended_index, purge
from executor.state.rows import PartitionRows, Position


def nobody(_rows: Rows) -> bool:
    return False


class Stored:
    """A partition's rows, written down."""

    def __init__(self) -> None:
        self.rows = PartitionRows(MemoryStore(), EXECUTIONS, 0, lambda id, _key, row: ended_index(id, row))

    def execution(self, id: str, state: State, ended_ms: int, *, settled: bool = True, outputs: int = 3) -> None:
        rows: dict[str, Row | None] = {
            HEADER: Header(
                namespace="n",
                flow_id="f",
                revision=1,
                state=state,
                created_ms=0,
                original_id=id,
                settled=settled,
                bare=settled and state is State.SUCCESS,
                ended_ms=ended_ms,
            ),
            SEQUENCE: Sequence(next=9),
            "t/run": TaskRun(id="run", task_id="t", scope_id="root", state=state, created_ms=0),
            **{f"o/t/{number}": Output(json=b"{}") for number in range(outputs)},
        }
        self.rows.write([self.rows.of(id).change(rows)], Position())

    def keys(self, id: str) -> list[str]:
        """Return the keys of an execution's stored rows."""
        begin = f"{id}\0"
        return [
            full.decode().removeprefix(begin) for full, _value in self.rows.stored() if full.startswith(begin.encode())
        ]


def test_rows_of_an_execution_that_ended_well_go_after_its_time_but_for_what_snapshots_keep() -> None:
    stored = Stored()
    stored.execution("old", State.SUCCESS, 1_000)
    stored.execution("young", State.SUCCESS, 3_000)

    assert purge(stored.rows, 2_000, nobody) == 4
    assert stored.keys("old") == [HEADER, SEQUENCE]
    assert len(stored.keys("young")) == 6
    assert purge(stored.rows, 2_000, nobody) == 0, "it isn't looked at again"


@pytest.mark.parametrize(("state", "settled"), [(State.FAILED, True), (State.KILLED, True), (State.SUCCESS, False)])
def test_what_may_go_on_stays(state: State, settled: bool) -> None:
    stored = Stored()
    stored.execution("x", state, 1_000, settled=settled)

    assert purge(stored.rows, 2_000, nobody) == 0
    assert len(stored.keys("x")) == 6


def test_what_waits_for_an_answer_stays_until_it_has_it_and_holds_up_nobody() -> None:
    stored = Stored()
    stored.execution("waiting", State.SUCCESS, 1_000)
    stored.execution("other", State.SUCCESS, 1_500)

    def waits(rows: Rows) -> bool:
        header: Header = rows.get(HEADER)
        return header.original_id == "waiting"

    purge(stored.rows, 2_000, waits)
    assert (len(stored.keys("waiting")), len(stored.keys("other"))) == (6, 2)

    purge(stored.rows, 2_000, nobody)
    assert stored.keys("waiting") == [HEADER, SEQUENCE]


def test_a_large_execution_goes_in_several_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "ROWS_MAX", 10)
    stored = Stored()
    stored.execution("large", State.SUCCESS, 1_000, outputs=25)

    assert [purge(stored.rows, 2_000, nobody) for _ in range(4)] == [10, 10, 6, 0]
    assert stored.keys("large") == [HEADER, SEQUENCE]


def test_an_execution_that_goes_on_again_is_left_alone() -> None:
    stored = Stored()
    stored.execution("x", State.SUCCESS, 1_000)
    header: Header = stored.rows.of("x").get(HEADER)
    again = stored.rows.of("x").change({HEADER: msgspec.structs.replace(header, bare=False, settled=False)})

    assert purge(stored.rows, 2_000, nobody) == 0, "it is decided and not written yet"
    stored.rows.write([again], Position())
    assert purge(stored.rows, 2_000, nobody) == 0
    assert len(stored.keys("x")) == 6
