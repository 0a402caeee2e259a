"""What `penstock run` tells of an execution."""

from __future__ import annotations

import io

from deploy.run_view import ROWS_SHOWN_MAX, Line, PlainPrinter, RunView, table_of
from engine.execution import events as e
from engine.values import State


def lines_of(view: RunView, *events: object) -> list[tuple[str, str, str]]:
    return [(line.name, line.what, line.text) for event in events for line in view.fold(event)]


def test_a_task_run_is_told_when_it_starts_and_when_it_ends() -> None:
    view = RunView()

    told = lines_of(
        view,
        e.TaskRunCreated(task_run_id="r", task_id="greet", scope_id="root", value="x", at_ms=1_000),
        e.TaskDispatched(task_run_id="r", epoch=1, queue="default", at_ms=1_010),
        e.TaskRunStarted(task_run_id="r", epoch=1, worker_id="w", at_ms=1_020),
        e.TaskRunEnded(task_run_id="r", state=State.SUCCESS, at_ms=1_250),
    )

    assert told == [("greet[x]", "RUNNING", ""), ("greet[x]", "SUCCESS", "0.250 s")]
    assert view.rows["r"].state is State.SUCCESS


def test_a_pure_task_is_told_with_its_log_lines() -> None:
    logs = (e.LogLine(level="INFO", message="hello"),)
    event = e.TaskRunDecided(task_run_id="r", task_id="log", scope_id="root", state=State.SUCCESS, at_ms=5, logs=logs)

    assert lines_of(RunView(), event) == [("log", "INFO", "hello"), ("log", "SUCCESS", "")]


def test_a_retry_is_told_with_the_error_and_counts_the_attempt() -> None:
    view = RunView()
    lines_of(view, e.TaskRunCreated(task_run_id="r", task_id="t", scope_id="root", at_ms=0))

    told = lines_of(
        view,
        e.TaskRunRetryScheduled(task_run_id="r", epoch=1, at_ms=3, due_ms=9, error="exit code 1"),
        e.TaskDispatched(task_run_id="r", epoch=2, queue="default", at_ms=9),
    )

    assert told == [("t", "RETRYING", "exit code 1")]
    assert view.rows["r"].attempt == 2


def test_the_end_of_the_execution_keeps_its_outputs_and_error() -> None:
    view = RunView()

    lines_of(
        view,
        e.ExecutionEnded(state=State.FAILED, at_ms=7, outputs_json=b"{}", error="no"),
        e.ExecutionSettled(at_ms=8),
    )

    assert (view.state, view.error, view.settled) == (State.FAILED, "no", True)


def test_plain_lines_carry_every_line_of_a_message() -> None:
    stream = io.StringIO()

    PlainPrinter(stream).show([Line(0, "t", "INFO", "one\ntwo")], RunView())

    assert [line.split()[-1] for line in stream.getvalue().splitlines()] == ["one", "two"]


def test_the_table_of_many_task_runs_stays_short() -> None:
    view = RunView()
    for number in range(1_000):
        lines_of(view, e.TaskRunCreated(task_run_id=str(number), task_id="t", scope_id="root", at_ms=0))

    assert table_of(view).row_count == ROWS_SHOWN_MAX + 1
