from __future__ import annotations

import pytest

from engine import machine
from engine.errors import Reason
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution import recall
from engine.execution.state import HEADER
from engine.execution.step import EXECUTIONS
from engine.machine import Command, CommandRejected
from engine.values import State
from tests.engine.execution.driven import DictRows, Driven

FLOW = """
tasks:
  - {id: a, type: Work, script: a}
  - {id: each, type: ForEach, values: [1, 2], tasks: [{id: b, type: Return, format: "{{ taskrun.value }}"}]}
"""


def ended() -> Driven:
    """An execution that ended well."""
    return Driven(FLOW).run({"a": {"n": 1}})


def header_only(run: Driven) -> DictRows:
    """What a snapshot has of it."""
    rows = DictRows()
    rows.apply({HEADER: run.header})
    return rows


def changes(run: Driven) -> list[Command]:
    """Ways to go on with it."""
    return [c.ChangeTaskRunState(task_run_id=run["a"].id, state=State.FAILED, request="r")]


def test_whoever_has_only_the_header_folds_to_the_same_rows() -> None:
    run = ended()
    rows = header_only(run)
    done = run.send(changes(run)[0])
    rows.apply(machine.fold(EXECUTIONS, rows, done.events))

    assert isinstance(done.events[0], e.ExecutionRecalled)
    assert rows.rows == run.rows.rows
    assert run.state is State.FAILED


def test_a_restart_of_one_that_is_said_to_have_failed_recalls_it_too() -> None:
    run = ended()
    run.send(c.ChangeExecutionState(state=State.FAILED))
    rows = header_only(run)
    done = run.send(c.RestartExecution())
    rows.apply(machine.fold(EXECUTIONS, rows, done.events))

    assert rows.rows == run.rows.rows and run.state is State.SUCCESS


def test_what_is_recalled_once_is_not_bare_until_it_ends_well_again() -> None:
    run = ended()
    run.send(changes(run)[0])
    assert not run.header.bare
    run.send(c.ChangeTaskRunState(task_run_id=run["a"].id, state=State.WARNING))

    assert len(run.of(e.ExecutionRecalled)) == 1 and run.header.bare


@pytest.mark.parametrize("said", [None, State.FAILED])
def test_where_only_the_header_is_known_it_is_refused(said: State | None) -> None:
    run = ended()
    commands = changes(run)
    if said is not None:
        run.send(c.ChangeExecutionState(state=said))
        commands.append(c.RestartExecution(request="r"))
    kept = run.rows, run.replayed
    run.rows, run.replayed = header_only(run), header_only(run)
    for command in commands:
        (refused,) = run.send(command).events

        assert isinstance(refused, CommandRejected) and refused.reason is Reason.INVALID_STATE
        assert "replay it" in refused.message
        run.events.pop()
    run.rows, run.replayed = kept


def test_one_that_is_too_large_for_an_event_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run = ended()
    monkeypatch.setattr(recall, "OUTPUTS_BYTES_MAX", 100)
    (refused,) = run.send(changes(run)[0]).events

    assert isinstance(refused, CommandRejected) and refused.reason is Reason.TOO_LARGE


def test_an_execution_that_failed_is_known_everywhere() -> None:
    run = Driven(FLOW).run({"a": State.FAILED})
    run.send(c.RestartExecution())

    assert run.of(e.ExecutionRecalled) == []
