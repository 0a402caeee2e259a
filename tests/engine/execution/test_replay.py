from __future__ import annotations

import pytest

from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.replay import replayed
from engine.values import State
from tests.engine.execution.driven import Driven, Script
from tests.engine.execution.replaying import LATER_MS, UNTIL, WORK, anew, another, replay


def test_what_comes_before_keeps_its_end_and_outputs_and_the_rest_runs() -> None:
    source = Driven(f"""
    tasks:
    - {{id: a, {WORK}}}
    - {{id: b, type: Return, format: "{{{{ outputs.a.n }}}} {{{{ taskrun.attemptsCount }}}}"}}
    - {{id: c, type: Return, format: "{{{{ outputs.b.value }}}}!"}}
    """).run({"a": {"n": 7}})
    run = replay(source, "b")

    assert anew(run) == {"b", "c"}
    assert run.states() == {"a": "SUCCESS", "b": "SUCCESS", "c": "SUCCESS"}
    assert run["a"].outputs == {"n": 7}
    assert run["a"].times == source["a"].times
    assert run.value("c") == "7 1!"
    assert run["b"].attempts == 2
    assert State.RESTARTED in run["b"].states
    assert run.history == [State.CREATED, State.RESTARTED, State.RUNNING, State.SUCCESS]
    assert run.header.parent_id == source.id
    assert not [row for key, row in run.rows.rows.items() if key.startswith("k/")]


def test_a_second_creation_with_the_same_id_changes_nothing() -> None:
    source = Driven(f"tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]").run()
    runs = replayed(source.flow, source.flow, source.past(), "another", source["b"].id)
    run = another(source, runs, source.flow)
    assert run.send(c.CreateExecution(namespace="test", flow_id="flow", revision=1, carried=runs)).events == ()


def test_siblings_in_a_parallel_are_kept_and_those_in_a_sequence_after_it_run() -> None:
    source = Driven(f"""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {{id: a, {WORK}}}
      - {{id: q, type: Parallel, tasks: [{{id: b, {WORK}}}, {{id: s, type: Sequential, tasks: [
          {{id: c, {WORK}}}, {{id: d, {WORK}}}, {{id: f, {WORK}}}]}}]}}
    - {{id: g, {WORK}}}
    """).run()
    assert anew(replay(source, "d")) == {"d", "f", "g"}
    assert anew(replay(source, "s")) == {"c", "d", "f", "g"}
    assert anew(replay(source, "b")) == {"b", "g"}
    assert anew(replay(source, "p")) == {"a", "b", "c", "d", "f", "g"}
    assert anew(replay(source, "g")) == {"g"}
    assert replay(source, "g").states() == source.states()


def test_in_a_dag_only_what_depends_on_the_task_runs_again() -> None:
    source = Driven(f"""
    tasks:
    - id: dag
      type: Dag
      tasks:
      - {{task: {{id: a, {WORK}}}}}
      - {{task: {{id: b, {WORK}}}}}
      - {{task: {{id: c, {WORK}}}, dependsOn: [a]}}
      - {{task: {{id: d, {WORK}}}, dependsOn: [c]}}
    """).run()
    assert anew(replay(source, "a")) == {"a", "c", "d"}
    assert anew(replay(source, "c")) == {"c", "d"}


LOOP = """
tasks:
- id: outer
  type: ForEach
  values: [1, 2, 3]
  LIMIT
  tasks:
  - {id: a, type: Return, format: "{{ taskrun.value }}"}
  - id: inner
    type: ForEach
    values: [x, y]
    tasks:
    - {id: b, type: Work, script: x}
    - {id: c, type: Return, format: "{{ outputs.a[parent.taskrun.value].value }}{{ taskrun.value }}"}
  - {id: d, type: Work, script: x}
- {id: z, type: Return, format: "{{ outputs.c['2'].y.value }}"}
"""


def ran(run: Driven, task: str) -> list[str | None]:
    """Return the values for which a task began anew."""
    began = {event.task_run_id for kind in (e.TaskRunCreated, e.TaskRunDecided) for event in run.of(kind)}
    began |= {event.task_run_id for event in run.of(e.TaskRunCarried) if event.state is State.RESTARTED}
    return [each.value for each in run.all(task) if each.id in began]


def chosen_in(source: Driven, task: str, index: int) -> str:
    return source.all(task)[index].id


@pytest.mark.parametrize(
    ("limit", "further"),
    [("", ["3"]), ("concurrencyLimit: 1", ["3"]), ("concurrencyLimit: 2", []), ("concurrencyLimit: 0", [])],
)
def test_iterations_before_are_kept_and_those_after_run_unless_they_stand_side_by_side(
    limit: str, further: list[str]
) -> None:
    source = Driven(LOOP.replace("LIMIT", limit)).run()
    assert len(source.runs) == 1 + 3 * (3 + 4) + 1
    inner_of_2 = [r for r in source.all("b") if source.runs[r.parent or ""].value == "2"]
    runs = replayed(source.flow, source.flow, source.past(), "another", inner_of_2[0].id)
    run = another(source, runs, source.flow).go_on()

    assert run.state is State.SUCCESS
    assert len(run.runs) == len(source.runs)
    assert ran(run, "a") == further
    assert ran(run, "b") == ["x", "y"] * (1 + len(further))
    assert ran(run, "d") == ["2", *further]
    assert run.value("z") == "2y"
    assert {r.parent for r in run.runs.values()} - {None} <= set(run.runs)


def test_all_tasks_of_a_value_stand_side_by_side_in_an_each_parallel() -> None:
    source = Driven(f"""
    tasks: [{{id: e, type: EachParallel, value: [1, 2], tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]}}]
    """).run()
    assert anew(replay(source, "a/1")) == {"a/1"}


def test_a_loop_whose_values_are_others_now_runs_the_iterations_that_changed() -> None:
    flow = """
    tasks:
    - {id: a, type: Work, script: x}
    - id: e
      type: ForEach
      values: "{{ outputs.a.list }}"
      tasks: [{id: b, type: Work, script: x}, {id: c, type: Work, script: x}]
    - {id: f, type: Work, script: x}
    """
    source = Driven(flow).run({"a": {"list": ["x", "y"]}})
    past = source.past()
    runs = replayed(source.flow, source.flow, past, "another", source["c/y"].id)
    changed = tuple(
        type(r)(**{**{n: getattr(r, n) for n in r.__struct_fields__}, "outputs_json": b'{"list":["x","z"]}'})
        if r.task_id == "a"
        else r
        for r in runs
    )
    run = another(source, changed, source.flow).go_on()
    assert anew(run) == {"b/z", "c/z", "f"}
    assert run["b/x"].id in run.carried


def test_the_branch_of_an_if_and_a_switch_is_gone_through() -> None:
    source = Driven(f"""
    tasks:
    - id: i
      type: If
      condition: "{{{{ true }}}}"
      then:
      - {{id: a, {WORK}}}
      - {{id: s, type: Switch, value: x, cases: {{x: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]}}}}
    - {{id: d, {WORK}}}
    """).run()
    run = replay(source, "c")
    assert anew(run) == {"c", "d"}
    assert run["i"].outputs == source["i"].outputs


ERRORS = f"""
tasks:
- {{id: a, {WORK}}}
- id: s
  type: Sequential
  tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]
  errors: [{{id: e1, {WORK}}}, {{id: e2, {WORK}}}]
  finally: [{{id: f1, {WORK}}}]
errors: [{{id: e3, {WORK}}}]
finally: [{{id: f2, {WORK}}}]
afterExecution: [{{id: z, {WORK}}}]
"""


def test_a_task_of_errors_is_replayed_with_the_failure_that_it_handles() -> None:
    source = Driven(ERRORS).run({"c": State.FAILED})
    run = replay(source, "e2")
    assert anew(run) == {"e2", "f1", "e3", "f2", "z"}
    assert run.states() == source.states()
    assert run.state is State.FAILED

    run = replay(source, "e3")
    assert anew(run) == {"e3", "f2", "z"}
    assert run.states() == source.states()


def test_finally_and_what_comes_after_the_end_may_be_replayed() -> None:
    source = Driven(ERRORS).run({"c": State.FAILED})
    assert anew(replay(source, "f2")) == {"f2", "z"}
    assert anew(replay(source, "z")) == {"z"}
    assert anew(replay(source, "f1")) == {"f1", "e3", "f2", "z"}

    source = Driven(ERRORS).run()
    assert anew(replay(source, "f2")) == {"f2", "z"}


def test_a_replay_of_the_task_that_failed_forgets_the_handlers() -> None:
    source = Driven(ERRORS).run({"c": State.FAILED})
    run = replay(source, "c")
    assert anew(run) == {"c", "f1", "f2", "z"}
    assert run.state is State.SUCCESS
    assert run["c"].attempts == 2


def test_what_failed_beside_it_runs_again_too_and_keeps_what_ended_well_below() -> None:
    source = Driven(f"""
    tasks:
    - id: p
      type: Parallel
      tasks:
      - {{id: a, {WORK}}}
      - {{id: s, type: Sequential, tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}], errors: [{{id: e1, {WORK}}}]}}
      - {{id: t, type: AllowFailure, tasks: [{{id: d, {WORK}}}], errors: [{{id: e2, {WORK}}}]}}
    """).run({"c": State.FAILED, "d": State.FAILED})
    assert source.states()["e1"] == "SUCCESS"
    run = replay(source, "a")
    assert anew(run) == {"a", "c"}
    assert {**run.states(), "e1": "SUCCESS"} == {**source.states(), "s": "SUCCESS", "c": "SUCCESS", "p": "WARNING"}


def test_a_killed_execution_is_replayed_and_what_was_stopped_runs() -> None:
    source = Driven(
        f"tasks: [{{id: a, {WORK}}}, {{id: p, type: Parallel, tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]}}]"
    )
    source.create().work({})
    source.send(c.KillExecution())
    source.go_on()
    assert source.state is State.KILLED
    run = replay(source, "b")
    assert anew(run) == {"b", "c"}
    assert run.state is State.SUCCESS


def test_what_waited_before_does_not_wait_again() -> None:
    source = Driven(f"""
    tasks:
    - {{id: sleep, type: Sleep, duration: PT1H}}
    - {{id: pause, type: Pause}}
    - id: until
      type: LoopUntil
      condition: "{{{{ outputs.check.n == 3 }}}}"
      checkFrequency: {{interval: PT1H}}
      tasks: [{{id: check, {WORK}}}]
    - {{id: z, {WORK}}}
    """)
    script: Script = {"check": [{"n": 1}, {"n": 2}, {"n": 3}]}
    source.create().go_on(script)
    source.send(c.ResumeExecution(inputs_json=b'{"by":"me"}'))
    source.go_on(script)
    assert len(source.all("check")) == 3
    run = replay(source, "z")
    assert run.now_ms == LATER_MS
    assert anew(run) == {"z"}
    assert run.states() == source.states()
    assert run["pause"].outputs == {"onResume": {"by": "me"}}


def test_a_task_within_a_resumed_pause_is_replayed_without_pausing() -> None:
    source = Driven(f"tasks: [{{id: p, type: Pause, tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]}}]").run()
    source.send(c.ResumeExecution())
    source.go_on()
    assert source.state is State.SUCCESS
    run = replay(source, "b")
    assert anew(run) == {"b"}
    assert run.state is State.SUCCESS
    assert anew(replay(source, "p")) == {"p"}
    assert replay(source, "p").state is State.PAUSED


def test_a_task_in_a_turn_of_a_loop_until_is_replayed_in_that_turn() -> None:
    source = Driven(UNTIL).run({"b": [{"n": 1}, {"n": 2}, {"n": 3}]})
    assert [r.iteration for r in source.all("b")] == [0, 1, 2]
    runs = replayed(source.flow, source.flow, source.past(), "another", chosen_in(source, "b", 1))
    run = another(source, runs, source.flow).go_on({"b": [{"n": 2}, {"n": 9}]})

    began = [(r.task, r.iteration) for r in run.runs.values() if r.id not in run.carried or State.RESTARTED in r.states]
    assert began == [("b", 1), ("a", 2), ("b", 2), ("z", None)]
    assert len(run.runs) == len(source.runs)
    assert run.value("z") == "3"
    assert run.now_ms == LATER_MS + 3_600_000


def test_a_task_that_another_one_runs_as_a_whole_means_that_one() -> None:
    source = Driven(f"tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]").run()
    past = [
        r
        if r.task_id == "a"
        else type(r)(**{**{n: getattr(r, n) for n in r.__struct_fields__}, "parent_id": source["a"].id})
        for r in source.past()
    ]
    runs = replayed(source.flow, source.flow, past, "another", source["b"].id)
    assert [(r.task_id, r.state) for r in runs] == [("a", State.RESTARTED)]


def test_a_replay_may_be_restarted_and_replayed_in_turn() -> None:
    source = Driven(ERRORS).run()
    run = replay(source, "c", {"c": State.FAILED})
    assert run.state is State.FAILED
    run.send(c.RestartExecution())
    run.go_on()
    assert run.state is State.SUCCESS
    assert run["c"].attempts == 3

    again = replay(run, "f2")
    assert anew(again) == {"f2", "z"}


def test_a_failure_that_was_carried_runs_again_in_a_restart() -> None:
    source = Driven(ERRORS).run({"c": State.FAILED})
    run = replay(source, "e3")
    run.send(c.RestartExecution())
    run.go_on()
    assert run.state is State.SUCCESS
    assert [r.task for r in run.runs.values()].count("c") == 1
    assert run["a"].attempts == 1
