"""Tasks that change their execution: Labels, SetVariables, UnsetVariables, Exit."""

from __future__ import annotations

import pytest

from engine.execution import commands as c
from engine.execution import events as e
from engine.values import State
from tests.engine.execution.driven import Driven


def labelled(labels: str, inputs: dict[str, object] | None = None) -> Driven:
    source = f"""
id: flow
namespace: test
labels: {{flow: f, both: f}}
tasks:
- {{id: t, type: Labels, labels: {labels}}}
- {{id: z, type: Return, format: "{{{{ labels.new ?? 'none' }}}} {{{{ labels.both }}}}"}}
"""
    return Driven(source, inputs).create(labels={"own": "o"})


@pytest.mark.parametrize(
    "labels",
    [
        '{new: "{{ inputs.v }}", "{{ inputs.k }}": n}',
        '[{key: new, value: "{{ inputs.v }}"}, {key: "{{ inputs.k }}", value: n}]',
        '"{{ inputs.json }}"',
    ],
)
def test_labels_come_as_a_map_a_list_or_json_and_are_put_over_the_others(labels: str) -> None:
    run = labelled(labels, {"v": "v", "k": "both", "json": {"new": "v", "both": "n"}})

    assert run.header.labels == {
        "flow": "f",
        "both": "n",
        "own": "o",
        "new": "v",
        "system.correlationId": "execution",
    }
    assert run.value("z") == "v n"


def test_numbers_and_booleans_become_texts() -> None:
    labels = labelled("{n: 1, b: true}").header.labels

    assert (labels["n"], labels["b"]) == ("1", "true")


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ('{"system.x": y}', "only Penstock itself sets 'system.x'"),
        ('{x: ""}', "expected a key and a value"),
        ("{x: [1]}", "expected a text, number or boolean for 'x'"),
        ("nonsense", "expected a map, a list or JSON"),
        ("[x]", "expected a map, or a list of 'key' and 'value'"),
    ],
)
def test_labels_that_may_not_be_fail_the_task(labels: str, says: str) -> None:
    run = labelled(labels)

    assert run["t"].state is State.FAILED
    assert says in run.lines("t")[0][1]
    assert "x" not in run.header.labels


def test_the_same_labels_again_change_nothing() -> None:
    assert labelled("{flow: f}").of(e.LabelsUpdated) == []


def vars_after(*tasks: str) -> Driven:
    lines = "\n".join(f"- {{id: t{n}, {task}}}" for n, task in enumerate(tasks))
    return Driven(f"""
id: flow
namespace: test
variables: {{a: {{b: 1, l: [1]}}, c: old}}
tasks:
{lines}
- {{id: z, type: Return, format: "{{{{ vars }}}}"}}
""").run()


def test_variables_are_merged_key_by_key() -> None:
    run = vars_after('type: SetVariables, variables: {a: {d: "{{ vars.c }}", l: [2]}, e: {f: 3}}')

    assert run.value("z") == '{"a":{"b":1,"l":[2],"d":"old"},"c":"old","e":{"f":3}}'


def test_a_later_task_sees_and_changes_them_further() -> None:
    run = vars_after(
        "type: SetVariables, variables: {c: new}",
        'type: SetVariables, variables: {e: "{{ vars.c }}!"}',
        "type: UnsetVariables, variables: [a, c]",
    )

    assert run.value("z") == '{"e":"new!"}'


def test_without_overwrite_a_variable_that_is_set_fails_the_task() -> None:
    run = vars_after("type: SetVariables, overwrite: false, variables: {a: {b: 2}}")
    assert run["t0"].state is State.FAILED
    assert "'b' is set already" in run.lines("t0")[0][1]

    run = vars_after("type: SetVariables, overwrite: false, variables: {a: {n: 2}}")
    assert run.state is State.SUCCESS


def test_a_variable_that_is_not_set_cannot_be_unset_unless_that_is_ignored() -> None:
    run = vars_after("type: UnsetVariables, variables: [nothing]")
    assert run["t0"].state is State.FAILED
    assert "'nothing' can't be unset" in run.lines("t0")[0][1]

    run = vars_after("type: UnsetVariables, ignoreMissing: true, variables: [nothing, c]")
    assert run.value("z") == '{"a":{"b":1,"l":[1]}}'


def test_variables_given_at_creation_are_kept() -> None:
    run = Driven("tasks: [{id: t, type: SetVariables, variables: {x: 1}}, {id: z, type: Return, format: '{{ vars }}'}]")
    run.create(variables_json=b'{"own": 1}')

    assert run.value("z") == '{"own":1,"x":1}'


EXIT = """
tasks:
- id: s
  type: Sequential
  tasks: [{id: out, type: Exit, state: STATE}, {id: never, type: Fail}]
  errors: [{id: e1, type: Log, message: x}]
- {id: later, type: Log, message: x}
errors: [{id: e2, type: Log, message: x}]
finally: [{id: f, type: Log, message: x}]
afterExecution: [{id: z, type: Return, format: "{{ execution.state }}"}]
"""


@pytest.mark.parametrize("state", ["SUCCESS", "WARNING", "FAILED", "CANCELLED", "KILLED"])
def test_exit_ends_the_execution_and_what_is_around_it_in_its_state(state: str) -> None:
    run = Driven(EXIT.replace("STATE", state)).run()

    assert run.state == state
    assert run.states() == {"s": state, "out": state, "z": "SUCCESS"}
    assert run.value("z") == state
    assert run.header.settled


def test_exit_without_a_state_is_a_success() -> None:
    assert Driven(EXIT.replace(", state: STATE", "")).run().state is State.SUCCESS


def test_exit_into_an_unknown_state_is_a_failure_of_the_task() -> None:
    run = Driven(EXIT.replace("STATE", "\"{{ 'RUNNING' }}\"")).run()

    assert run.state is State.FAILED
    assert "expected one of CANCELED, CANCELLED" in run.lines("out")[0][1]
    assert run["e1"].state is State.SUCCESS


BESIDE = """
tasks:
- id: p
  type: Parallel
  tasks:
  - {id: t, type: Work, script: x, retry: {type: constant, interval: PT1S, maxAttempts: 3}}
  - {id: queued, type: Work, script: x}
  - {id: nap, type: Sleep, duration: PT1H}
  - {id: ask, type: Pause}
  - {id: each, type: ForEach, values: [1, 2], tasks: [{id: i, type: Work, script: x}]}
  - {id: s, type: Sequential, tasks: [{id: wait, type: Work, script: x}, {id: out, type: Exit, state: STATE}]}
"""


def test_exit_waits_for_what_runs_at_workers_and_ends_the_rest() -> None:
    run = Driven(BESIDE.replace("STATE", "WARNING")).create()
    run.claim("t")
    run.claim("wait")
    run.report("wait")
    assert run.state is State.RUNNING
    assert run.states() == {
        "p": "RUNNING",
        "t": "RUNNING",
        "queued": "KILLED",
        "nap": "KILLED",
        "ask": "KILLED",
        "each": "WARNING",
        "i/1": "KILLED",
        "s": "WARNING",
        "wait": "SUCCESS",
        "out": "WARNING",
    }

    run.report("t", State.FAILED)
    assert run.state is State.WARNING
    assert run["t"].state is State.FAILED, "not tried again"
    assert run.timers() == {}


def test_exit_as_killed_kills_what_runs_at_workers() -> None:
    run = Driven(BESIDE.replace("STATE", "KILLED")).create()
    run.claim("t")
    run.claim("wait")
    run.report("wait")
    assert run.state is State.KILLING

    run.report("t")
    assert run.state is State.KILLED
    assert run["t"].state is State.KILLED


def test_a_kill_on_the_way_out_kills() -> None:
    run = Driven(BESIDE.replace("STATE", "SUCCESS")).create()
    run.claim("t")
    run.claim("wait")
    run.report("wait")
    run.send(c.KillExecution())
    run.report("t")

    assert run.state is State.KILLED


def test_exit_is_not_tried_again() -> None:
    run = Driven(EXIT.replace("STATE", "FAILED") + "retry: {type: constant, interval: PT1S, maxAttempts: 3}\n")
    run.run()

    assert run["out"].attempts == 1


def test_an_execution_that_exited_as_failed_restarts_there() -> None:
    source = EXIT.replace("state: STATE", "state: \"{{ taskrun.attemptsCount == 0 ? 'FAILED' : 'SUCCESS' }}\"")
    run = Driven(source).run()
    assert run.state is State.FAILED
    run.send(c.RestartExecution())

    assert run.state is State.SUCCESS
    assert run["out"].attempts == 2


def test_exit_with_thousands_of_open_tasks_goes_on_in_steps() -> None:
    tasks = "".join(f"  - {{id: t{n}, type: Sleep, duration: PT1H}}\n" for n in range(1000))
    run = Driven(
        f"tasks:\n- id: p\n  type: Parallel\n  tasks:\n{tasks}  - {{id: w, type: Sequential, tasks: [{{id: nap, "
        "type: Sleep, duration: PT1M}, {id: out, type: Exit}]}\n",
        checked=False,
    ).run()

    assert run.state is State.SUCCESS
    assert max(len(done.events) for done in run.steps) < 320
    assert run.timers() == {}
