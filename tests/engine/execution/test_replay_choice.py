from __future__ import annotations

import pytest

from engine.errors import Reason, Rejected
from engine.execution import commands as c
from engine.execution import events as e
from engine.execution.draft import OUTPUTS_BYTES_MAX
from engine.execution.past import Ran
from engine.execution.replay import replayed, restarted
from engine.values import State
from tests.engine.execution.driven import Driven, flow_of
from tests.engine.execution.replaying import UNTIL, WORK, anew, another, replay, restart


def test_large_loops_are_carried_in_bounded_steps() -> None:
    loop = f"{{id: e, type: ForEach, values: {list(range(2000))}, tasks: [{{id: a, type: Log, message: x}}]}}"
    source = Driven(f"tasks: [{loop}, {{id: z, {WORK}}}]", checked=False).run()
    run = replay(source, "z")
    assert len(run.runs) == 2002
    chosen = source.all("a")[1500].id
    runs = replayed(source.flow, source.flow, source.past(), "another", chosen)
    run = another(source, runs, source.flow).go_on()
    assert len(run.carried) == 1501
    assert len(run.runs) == 2002
    assert max(len(step.events) for step in run.steps) < 400


def test_too_much_to_take_over_is_refused() -> None:
    big = {"text": "x" * (OUTPUTS_BYTES_MAX // 2)}
    source = Driven(f"tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}, {{id: c, {WORK}}}, {{id: d, {WORK}}}]").run(
        {"a": big, "b": big}
    )
    assert anew(replay(source, "b")) == {"b", "c", "d"}
    with pytest.raises(Rejected, match="from an earlier task") as refused:
        replay(source, "d")
    assert refused.value.reason is Reason.TOO_LARGE


def test_an_unknown_task_run_is_refused() -> None:
    source = Driven(f"tasks: [{{id: a, {WORK}}}]").run()
    with pytest.raises(Rejected) as refused:
        replayed(source.flow, source.flow, source.past(), "another", "nobody")
    assert refused.value.reason is Reason.NOT_FOUND


OLD = f"""
tasks:
- {{id: a, {WORK}}}
- {{id: s, type: Sequential, tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]}}
"""
NEW = f"""
tasks:
- {{id: a, {WORK}}}
- {{id: n, {WORK}}}
- {{id: s, type: Sequential, tasks: [{{id: c, type: Return, format: new}}, {{id: m, {WORK}}}]}}
"""


def test_another_revision_runs_what_is_new_in_it() -> None:
    source = Driven(OLD).run()
    with pytest.raises(Rejected, match=r"'b'.*doesn't have it"):
        replay(source, "c", revision=NEW)
    assert anew(replay(source, "s", revision=NEW)) == {"n", "c", "m"}


def test_another_revision_without_the_chosen_task_is_refused() -> None:
    source = Driven(OLD).run()
    with pytest.raises(Rejected, match=r"'b'.*doesn't have it"):
        replay(source, "b", revision=NEW)
    with pytest.raises(Rejected, match=r"'b'.*has it elsewhere"):
        replay(
            source,
            "b",
            revision=OLD.replace(
                "[{id: b", "[{id: p, type: Sequential, tasks: [{id: b, type: Log, message: x}]}, {id: q"
            ),
        )


def test_a_restart_on_another_revision_keeps_what_ended_well() -> None:
    old = f"""
    tasks:
    - {{id: a, {WORK}}}
    - id: e
      type: ForEach
      concurrencyLimit: 0
      values: [1, 2]
      tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]
    errors: [{{id: h, {WORK}}}]
    """
    source = Driven(old).run(
        {"c": lambda job: State.FAILED if job.variables["taskrun"]["value"] == "1" else State.SUCCESS}
    )
    assert source.state is State.FAILED
    run = restart(
        source,
        revision=old.replace(
            "id: c, type: Work, script: x", "id: c, type: Return, format: '{{ taskrun.attemptsCount }}'"
        ),
    )
    assert anew(run) == {"c/1"}
    assert run.state is State.SUCCESS
    assert run.value("c/1") == "1"
    assert "h" not in run.states()


def test_a_restart_goes_on_in_the_turn_of_a_loop_until() -> None:
    source = Driven(UNTIL).run({"b": [{"n": 1}, State.FAILED]})
    run = restart(source, {"b": {"n": 3}})
    assert [(r.task, r.iteration, r.id in run.carried) for r in run.runs.values()] == [
        ("until", None, True), ("a", 0, True), ("b", 0, True), ("a", 1, True), ("b", 1, True), ("z", None, False)
    ]  # fmt: skip
    assert run.state is State.SUCCESS
    assert run.value("z") == "2"


def test_variables_that_tasks_changed_may_take_the_place_of_the_flows() -> None:
    source = Driven(
        "variables: {v: 1, w: 2}\ntasks: [{id: a, type: Return, format: '{{ vars.v }} {{ vars.w ?? 0 }}'}]"
    ).run()
    runs = replayed(source.flow, source.flow, source.past(), "another", source["a"].id)
    run = another(source, runs, source.flow, variables_json=b'{"v":3}', variables_whole=True).go_on()
    assert run.value("a") == "3 0"


def test_the_replayed_execution_is_marked_once() -> None:
    source = Driven(f"tasks: [{{id: a, {WORK}}}]").run()
    assert source.send(c.MarkReplayed()).events != ()
    assert source.header.labels["system.replayed"] == "true"
    assert source.send(c.MarkReplayed()).events == ()


def test_tasks_that_share_a_folder_only_run_again_together() -> None:
    source = Driven(f"""
    tasks:
    - {{id: a, {WORK}}}
    - {{id: w, type: io.kestra.plugin.core.flow.WorkingDirectory, tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]}}
    - {{id: d, {WORK}}}
    """).run()
    assert anew(replay(source, "c")) == {"b", "c", "d"}
    assert anew(replay(source, "d")) == {"d"}


def test_a_failed_folder_runs_again_as_a_whole_on_another_revision() -> None:
    flow = f"""
    tasks:
    - {{id: a, {WORK}}}
    - {{id: w, type: io.kestra.plugin.core.flow.WorkingDirectory, tasks: [{{id: b, {WORK}}}, {{id: c, {WORK}}}]}}
    """
    source = Driven(flow).run({"c": State.FAILED})
    assert anew(restart(source, revision=flow)) == {"b", "c"}


def test_listeners_stand_between_finally_and_what_comes_after_the_end() -> None:
    source = Driven(f"""
    tasks: [{{id: a, {WORK}}}]
    finally: [{{id: f, {WORK}}}]
    listeners: [{{tasks: [{{id: l1, {WORK}}}]}}, {{tasks: [{{id: l2, {WORK}}}, {{id: l3, {WORK}}}]}}]
    afterExecution: [{{id: z, {WORK}}}]
    """).run()
    assert len(source.runs) == 6
    assert anew(replay(source, "l2")) == {"l2", "l3", "z"}
    assert anew(replay(source, "z")) == {"z"}


def test_a_worker_is_told_whose_files_it_may_read() -> None:
    source = Driven(f"tasks: [{{id: a, {WORK}}}, {{id: b, {WORK}}}]").run()
    runs = replayed(source.flow, source.flow, source.past(), "another", source["b"].id)
    run = another(source, runs, source.flow, sources=("test/flow/execution",))
    job = run.claim("b")
    assert job is not None
    assert job.sources == ("test/flow/execution",)


def ran_batches(**states: State) -> list[Ran]:
    return [
        Ran(id=name, task_id=name, state=state, parent_id="each" if "_" in name else None, attempts=1)
        for name, state in states.items()
    ]


BATCHES = f"""
id: flow
namespace: test
tasks:
- {{id: a, {WORK}}}
- {{id: each, type: io.kestra.plugin.core.flow.ForEachItem, items: "kestra:///f", namespace: test, flowId: child}}
- {{id: z, {WORK}}}
"""


def test_the_tasks_into_which_another_unfolds_are_replayed_one_by_one() -> None:
    flow, good = flow_of(BATCHES), State.SUCCESS
    runs = ran_batches(a=good, each=good, each_split=good, each_items=good, each_merge=good, z=good)
    carried = replayed(flow, flow_of(BATCHES), runs, "another", "each_items")
    assert [(r.task_id, r.state) for r in carried] == [
        ("a", good), ("each_split", good), ("each_items", State.RESTARTED)
    ]  # fmt: skip
    assert [r.task_id for r in replayed(flow, flow, runs, "another", "each")] == ["a"]
    assert len(replayed(flow, flow, runs, "another", "z")) == 6


def test_a_restart_splits_a_file_once() -> None:
    flow = flow_of(BATCHES)
    runs = ran_batches(a=State.SUCCESS, each=State.FAILED, each_split=State.SUCCESS, each_items=State.FAILED)
    carried = restarted(flow, flow_of(BATCHES), runs, "another")
    assert [r.task_id for r in carried] == ["a", "each_split", "each_items"]


def test_what_it_calls_may_read_the_same_files() -> None:
    call = "type: io.kestra.plugin.core.flow.Subflow, namespace: test, flowId: child"
    run = Driven(f"id: flow\nnamespace: test\ntasks: [{{id: s, {call}}}]").create(sources=("test/flow/first",))
    asked = run.of(e.ChildAsked)
    assert [each.sources for each in asked] == [("test/flow/first",)]
