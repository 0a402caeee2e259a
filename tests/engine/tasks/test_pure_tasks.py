"""Tasks that the engine decides at once: Return, OutputValues, Log, Fail, Assert, Sleep."""

from __future__ import annotations

from typing import Any

import pytest

from engine.values import State
from tests.engine.execution.driven import Driven


def one(task: str, inputs: dict[str, Any] | None = None) -> Driven:
    return Driven(f"tasks:\n- {{id: t, {task}}}\n", inputs).run()


def test_return_outputs_its_rendered_format() -> None:
    run = one('type: Return, format: "{{ inputs.a }} {{ task.id }} {{ taskrun.attemptsCount }}"', {"a": 1})

    assert run["t"].outputs == {"value": "1 t 0"}


def test_return_without_a_format_outputs_nothing() -> None:
    assert one("type: Return")["t"].outputs == {}


def test_return_that_cannot_be_rendered_fails_and_names_what_is_missing() -> None:
    run = one('type: Return, format: "{{ missingVar }}"')

    assert run["t"].state is State.FAILED
    assert run.lines("t")[0][0] == "ERROR"
    assert "missingVar" in run.lines("t")[0][1]
    assert run.state is State.FAILED


def test_output_values_renders_keys_and_values() -> None:
    run = one('type: OutputValues, values: {a: "{{ inputs.x }}", "{{ inputs.x }}": [1, "{{ inputs.x }}"]}', {"x": "k"})

    assert run["t"].outputs == {"values": {"a": "k", "k": [1, "k"]}}


def test_log_writes_at_its_level() -> None:
    run = one('type: Log, message: "first {{ task.id }}", level: WARN')

    assert run.lines("t") == [("WARN", "first t")]
    assert run["t"].state is State.SUCCESS


def test_the_older_echo_is_a_log() -> None:
    assert one("type: io.kestra.plugin.core.debug.Echo, format: old, level: WARN").lines("t") == [("WARN", "old")]


def test_log_writes_a_line_per_message() -> None:
    assert one("type: Log, message: [a, b]").lines("t") == [("INFO", "a"), ("INFO", "b")]


def test_log_reads_its_level_from_a_template() -> None:
    assert one('type: Log, message: x, level: "{{ inputs.l }}"', {"l": "error"}).lines("t") == [("ERROR", "x")]


def test_log_with_an_unknown_level_fails() -> None:
    run = one('type: Log, message: x, level: "{{ inputs.l }}"', {"l": "LOUD"})

    assert run["t"].state is State.FAILED
    assert "expected one of TRACE, DEBUG, INFO, WARN, ERROR, but got 'LOUD'" in run.lines("t")[0][1]


@pytest.mark.parametrize(("least", "kept"), [("WARN", []), ("INFO", [("INFO", "x")]), ("TRACE", [("INFO", "x")])])
def test_the_log_level_of_a_task_hides_what_is_below(least: str, kept: list[tuple[str, str]]) -> None:
    assert one(f"type: Log, message: x, logLevel: {least}").lines("t") == kept


def test_a_very_long_line_is_cut_and_says_so() -> None:
    (line,) = one('type: Log, message: "{{ inputs.x }}"', {"x": "y" * 100_000}).lines("t")

    assert len(line[1]) < 33_000
    assert line[1].endswith("(67232 more characters)")


def test_very_many_lines_are_cut_and_say_so() -> None:
    messages = ", ".join('"{{ inputs.x }}"' for _ in range(20))
    lines = one(f"type: Log, message: [{messages}]", {"x": "y" * 30_000}).lines("t")

    assert len(lines) == 10
    assert lines[-1] == ("WARN", "11 more lines were left out")


def test_outputs_too_large_for_a_record_fail_the_task_and_say_what_to_do() -> None:
    values = ", ".join(f'k{n}: "{{{{ inputs.x }}}}"' for n in range(30))
    run = one(f"type: OutputValues, values: {{{values}}}", {"x": "y" * 100_000})

    assert run["t"].state is State.FAILED
    assert "keep large data in storage and pass its URI" in run.lines("t")[0][1]


def test_fail_fails() -> None:
    run = one("type: Fail")

    assert run["t"].state is State.FAILED
    assert run.lines("t") == [("ERROR", "Task failure")]
    assert run["t"].error == "Task failure"


def test_fail_says_its_message() -> None:
    assert one('type: Fail, errorMessage: "no {{ inputs.x }}"', {"x": 1}).lines("t") == [("ERROR", "no 1")]


@pytest.mark.parametrize(
    ("condition", "state"),
    [("{{ inputs.x == 'a' }}", State.FAILED), ("{{ inputs.x == 'b' }}", State.SUCCESS), ("", State.SUCCESS)],
)
def test_fail_with_a_condition_fails_if_it_holds(condition: str, state: State) -> None:
    assert one(f'type: Fail, condition: "{condition}"', {"x": "a"})["t"].state is state


def test_assert_succeeds_if_all_hold() -> None:
    run = one("type: Assert, conditions: [\"{{ inputs.x == 'a' }}\", 'true']", {"x": "a"})

    assert run["t"].state is State.SUCCESS
    assert run.lines("t") == []


def test_assert_tells_of_every_condition_that_does_not_hold() -> None:
    run = one(
        "type: Assert, errorMessage: 'bad {{ inputs.x }}', "
        "conditions: [\"{{ inputs.x == 'b' }}\", 'true', '{{ missing }}']",
        {"x": "a"},
    )

    messages = [message for _level, message in run.lines("t")]
    assert run["t"].state is State.FAILED
    assert len(messages) == 4
    assert "inputs.x == 'b'" in messages[0]
    assert "missing" in messages[1]
    assert messages[2:] == ["bad a", "2 assertion(s) failed!"]


def test_sleep_goes_on_after_its_time_without_a_worker() -> None:
    run = Driven("tasks: [{id: t, type: Sleep, duration: PT1.5S}, {id: z, type: Log, message: x}]").create()
    assert run.states() == {"t": "RUNNING"}
    assert run.waiting == []
    run.pass_ms(1499)
    assert run.states() == {"t": "RUNNING"}

    run.pass_ms(1)
    assert run.states() == {"t": "SUCCESS", "z": "SUCCESS"}
    assert run["t"].times == [1_000_000, 1_001_500]


def test_sleep_times_out() -> None:
    run = Driven("tasks: [{id: t, type: Sleep, duration: PT60S, timeout: PT0.5S}]").run()

    assert run["t"].state is State.FAILED
    assert run.now_ms == 1_000_500
    assert run.lines("t") == [("ERROR", "Timeout after 500 ms")]
    assert run.timers() == {}


def test_sleep_that_times_out_is_tried_again() -> None:
    run = Driven("""
    tasks:
    - {id: t, type: Sleep, duration: PT60S, timeout: PT1S, retry: {type: constant, interval: PT5S, maxAttempts: 3}}
    """).run()

    assert run["t"].attempts == 3
    assert run["t"].state is State.FAILED
    assert run.now_ms == 1_000_000 + 3 * 1000 + 2 * 5000


def test_a_worker_group_sends_a_pure_task_to_a_worker() -> None:
    run = Driven("tasks: [{id: t, type: Log, message: x, workerGroup: {key: gpu}}]").create()

    assert run.states() == {"t": "SUBMITTED"}


def test_a_template_that_needs_the_world_sends_a_pure_task_to_a_worker() -> None:
    run = Driven("""tasks: [{id: t, type: Log, message: "{{ kv('k') }}"}]""").create()

    assert run.states() == {"t": "SUBMITTED"}
