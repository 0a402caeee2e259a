"""A step is one record: it stays small, whatever an execution does."""

from __future__ import annotations

from engine.execution import events as e
from engine.execution.draft import EVENTS_MAX, OUTPUTS_BYTES_MAX, STEP_BYTES_MAX, Setting
from engine.execution.state import CHUNK
from engine.values import State
from tests.engine.execution.driven import Driven
from topics.catalog import RECORD_BYTES_MAX
from topics.messages import Cause, Step
from topics.serde import encode_step


def bytes_of(run: Driven) -> int:
    """Return the size of the largest step as a record."""
    return max(
        len(
            encode_step(
                "executions",
                Step(
                    epoch=1,
                    n=1,
                    cause=Cause(kind="inbox", offset=1),
                    id=run.id,
                    seq=0,
                    at_ms=0,
                    namespace="test",
                    flow="flow",
                    revision=1,
                    events=done.events,
                ),
            )
        )
        for done in run.steps
    )


def test_a_long_sequence_of_engine_tasks_goes_on_in_several_steps() -> None:
    tasks = "\n".join(f"- {{id: t{n}, type: Log, message: x}}" for n in range(1000))
    run = Driven(f"tasks:\n{tasks}\n", checked=False).run()

    assert run.state is State.SUCCESS
    assert len(run.steps) == 4
    assert max(len(done.events) for done in run.steps) <= EVENTS_MAX + 2


def test_large_outputs_fill_a_step_before_many_events_do() -> None:
    tasks = "\n".join(
        f'- {{id: t{n}, type: OutputValues, values: {{a: "{{{{ inputs.x }}}}", b: "{{{{ inputs.x }}}}"}}}}'
        for n in range(20)
    )
    run = Driven(f"tasks:\n{tasks}\n", {"x": "y" * 500_000}, checked=False).run()

    assert run.state is State.SUCCESS
    assert len(run.steps) > 10
    assert bytes_of(run) < RECORD_BYTES_MAX


def test_the_largest_outputs_after_an_almost_full_step_still_fit_a_record() -> None:
    assert STEP_BYTES_MAX + OUTPUTS_BYTES_MAX < RECORD_BYTES_MAX - 256 * 1024


def test_many_log_lines_fill_a_step_too() -> None:
    tasks = "\n".join(f'- {{id: t{n}, type: Log, message: "{{{{ inputs.x }}}}"}}' for n in range(100))
    run = Driven(f"tasks:\n{tasks}\n", {"x": "y" * 32_000}, checked=False).run()

    assert run.state is State.SUCCESS
    assert len(run.steps) > 2
    assert bytes_of(run) < RECORD_BYTES_MAX


def test_values_of_a_loop_are_kept_in_chunks() -> None:
    source = (
        'tasks: [{id: each, type: ForEach, values: "{{ range(1, 600) }}", tasks: [{id: t, type: Work, script: x}]}]'
    )
    run = Driven(source).create()
    chunks = [key for key in run.rows.rows if key.startswith("v/")]

    assert len(chunks) == 600 // CHUNK + 1
    run.checked = False
    run.go_on()
    assert not [key for key in run.rows.rows if key.startswith("v/")]


def test_what_a_flow_means_is_worked_out_once_per_setting() -> None:
    run = Driven("tasks: [{id: t, type: Log, message: x}]")

    assert run.setting.plan is not None
    assert Setting(flow=None).plan is None


def test_an_endless_chain_of_continuations_is_told_by_timers() -> None:
    tasks = "\n".join(f"- {{id: t{n}, type: Log, message: x}}" for n in range(400))
    run = Driven(f"tasks:\n{tasks}\n").create()

    assert run.timers() == {"continue/root": run.now_ms}
    assert [event.timer_id for event in run.of(e.TimerSet)] == ["continue/root"]
