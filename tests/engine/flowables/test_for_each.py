from __future__ import annotations

import json

import pytest

from engine.flowables.for_each import values_of
from engine.values import State
from tests.engine.execution.driven import Driven


def loop(values: object, tasks: str = "[{id: t, type: Work, script: x}]", more: str = "") -> str:
    return f"""
tasks:
- id: each
  type: ForEach
  values: {json.dumps(values)}
{more}
  tasks: {tasks}
- {{id: last, type: Log, message: end}}
"""


def waiting(run: Driven) -> list[str | None]:
    return [run.runs[bell.task_run_id].value for bell in run.waiting]


def test_one_value_after_the_other_by_default() -> None:
    run = Driven(loop(["a", "b", "c"])).create()
    seen = []
    while run.waiting:
        seen.append(waiting(run))
        run.work({})

    assert seen == [["a"], ["b"], ["c"]]
    assert run.state is State.SUCCESS
    assert [r.iteration for r in run.all("t")] == [0, 1, 2]


def test_tasks_of_one_value_run_one_after_the_other_whatever_the_limit() -> None:
    two = "[{id: t, type: Work, script: x}, {id: u, type: Work, script: x}]"
    run = Driven(loop(["a", "b"], two, "  concurrencyLimit: 0")).create()
    assert run.states() == {"each": "RUNNING", "t/a": "SUBMITTED", "t/b": "SUBMITTED"}

    run.work({})
    assert waiting(run) == ["b", "a"]
    assert run["u/a"].state is State.SUBMITTED
    run.go_on()
    assert run.state is State.SUCCESS


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_limit_of_values_at_once_is_kept_and_used(limit: int) -> None:
    run = Driven(loop(list(range(8)), more=f"  concurrencyLimit: {limit}")).create()
    most = 0
    while run.waiting:
        most = max(most, len(run.waiting))
        run.work({})

    assert most == limit
    assert len(run.all("t")) == 8


def test_no_limit_starts_all() -> None:
    run = Driven(loop(list(range(20)), more="  concurrencyLimit: 0")).create()

    assert len(run.waiting) == 20


def test_an_empty_list_succeeds() -> None:
    run = Driven(loop([])).run()

    assert run.states() == {"each": "SUCCESS", "last": "SUCCESS"}


def test_values_are_rendered_once() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: ForEach
      values: "{{ outputs.t is defined ? [] : ['a', 'b'] }}"
      tasks: [{id: t, type: Return, format: x}]
    """).run()

    assert [r.value for r in run.all("t")] == ["a", "b"]


def test_values_are_texts_without_duplicates() -> None:
    assert values_of(["a", "b", "a"], "values") == ("a", "b")
    assert values_of('[1, "1", 2.5, true, {"k": [1, null]}, ["x"]]', "values") == (
        "1",
        "2.5",
        "true",
        '{"k":[1,null]}',
        '["x"]',
    )
    assert values_of([], "values") == ()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ("nothing", "expected a list or a JSON array, but got 'nothing'"),
        ('{"a": 1}', "expected a list or a JSON array, but got dict"),
        ([1, None], "expected values without null, but value 1 is null"),
        (7, "expected a list or a JSON array, but got int"),
    ],
)
def test_other_values_fail_the_loop_and_say_why(values: object, says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("{", "\\{")):
        values_of(values, "values")

    run = Driven(loop("{{ inputs.v }}"), {"v": values}).run()
    assert run["each"].state is State.FAILED
    assert run.lines("each")[0][0] == "ERROR"


def test_a_literal_list_may_hold_templates() -> None:
    run = Driven(loop(["{{ inputs.x }}", "b", {"k": "{{ inputs.x }}"}]), {"x": "X"}).run()

    assert [r.value for r in run.all("t")] == ["X", "b", '{"k":"X"}']


def test_outputs_are_read_by_value() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: ForEach
      values: [x, y/z, "50%"]
      tasks:
      - {id: r, type: Return, format: "v {{ taskrun.value }} {{ taskrun.iteration }}"}
      - {id: s, type: Return, format: "{{ outputs.r[taskrun.value].value }}!"}
    - {id: last, type: Return, format: "{{ outputs.r.x.value }} {{ outputs.s['y/z'].value }} {{ outputs.r | keys }}"}
    """).run()

    assert run.value("s/50%") == "v 50% 2!"
    assert run.value("last") == 'v x 0 v y/z 1! ["50%","x","y/z"]'


def test_a_loop_that_never_ran_has_no_outputs() -> None:
    source = """
    tasks:
    - {id: each, type: ForEach, values: [], tasks: [{id: r, type: Return, format: x}]}
    - {id: last, type: Return, format: "{{ outputs.r ?? 'none' }}"}
    """
    assert Driven(source).run().value("last") == "none"


def test_nested_loops_nest_their_outputs_and_tell_their_parents() -> None:
    run = Driven("""
    tasks:
    - id: outer
      type: ForEach
      values: [a, b]
      tasks:
      - id: middle
        type: ForEach
        values: '["c d", "e"]'
        tasks:
        - {id: inner, type: ForEach, values: [1, 2], tasks: [{id: r, type: Return,
           format: "{{ parents[1].taskrun.value }}-{{ parent.taskrun.value }}-{{ taskrun.value }}"}]}
      - {id: s, type: Return, format: "{{ outputs.r[taskrun.value]['c d']['2'].value }}"}
    - {id: last, type: Return, format: "{{ outputs.r.b.e['1'].value }} {{ outputs.r.a | keys }}"}
    """).run()

    assert len(run.all("r")) == 8
    assert [r.outputs["value"] for r in run.all("s") if r.outputs] == ["a-c d-2", "b-c d-2"]
    assert run.value("last") == 'b-e-1 ["c d","e"]'


def test_deeper_tasks_read_the_value_of_their_parent() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: ForEach
      values: [a, b]
      tasks:
      - id: s
        type: Sequential
        tasks:
        - {id: r, type: Return, format: "{{ parent.taskrun.value }} {{ taskrun.value ?? 'none' }}"}
        - {id: p, type: Parallel, tasks: [{id: q, type: Return, format: "{{ parent.taskrun.value }}"}]}
    """).run()

    assert [r.outputs for r in run.all("r")] == [{"value": "a none"}, {"value": "b none"}]
    assert [r.outputs for r in run.all("q")] == [{"value": "a"}, {"value": "b"}]
    assert [r.value for r in run.all("s")] == ["a", "b"]
    assert [r.value for r in run.all("r")] == [None, None]


def test_parents_bring_their_outputs() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: ForEach
      values: [a]
      tasks:
      - {id: if, type: If, condition: "true", then: [{id: r, type: Return,
         format: "{{ parent.outputs.evaluationResult }} {{ parent.taskrun.value }}"}]}
    """).run()

    assert run.value("r") == "true a"


def test_a_parent_printed_whole_is_its_value() -> None:
    run = Driven("""
    tasks:
    - id: each
      type: ForEach
      values: [a]
      tasks:
      - {id: s, type: Sequential, tasks: [{id: r, type: Return, format: "{{ parent }} {{ parents }}"}]}
    """).run()

    assert run.value("r") == '{"taskrun":{"value":"a"}} [{"taskrun":{"value":"a"}}]'


def test_a_failure_stops_the_loop_and_its_other_values() -> None:
    run = Driven(loop(["a", "b", "c"])).run({"t": [State.SUCCESS, State.FAILED]})

    assert run.states() == {"each": "FAILED", "t/a": "SUCCESS", "t/b": "FAILED"}


def test_values_that_had_room_begin_though_another_failed_at_once() -> None:
    fail = "[{id: t, type: Fail, condition: \"{{ taskrun.value == 'a' }}\"}]"
    all_at_once = Driven(loop(["a", "b", "c"], fail, "  concurrencyLimit: 0")).run()
    two_at_once = Driven(loop(["a", "b", "c"], fail, "  concurrencyLimit: 2")).run()
    one = Driven(loop(["a", "b", "c"], fail)).run()

    assert all_at_once.states() == {"each": "FAILED", "t/a": "FAILED", "t/b": "SUCCESS", "t/c": "SUCCESS"}
    assert two_at_once.states() == {"each": "FAILED", "t/a": "FAILED", "t/b": "SUCCESS"}
    assert one.states() == {"each": "FAILED", "t/a": "FAILED"}


def test_a_warning_of_one_value_is_one_of_the_loop() -> None:
    run = Driven(loop(["a", "b"])).run({"t": [State.WARNING, State.SUCCESS]})

    assert run["each"].state is State.WARNING
    assert run.state is State.WARNING


def test_errors_and_finally_run_once_after_the_loop() -> None:
    more = "  errors: [{id: e, type: Log, message: x}]\n  finally: [{id: f, type: Log, message: x}]"
    run = Driven(loop(["a", "b"], more=more)).run({"t": State.FAILED})

    assert run.order() == ["each", "t", "e", "f"]
    assert run["e"].value is None


def test_ten_thousand_values_cost_the_same_each_and_keep_only_their_outputs() -> None:
    costs = {}
    for size in (1_000, 10_000):
        source = loop(f"{{{{ range(1, {size}) }}}}", "[{id: t, type: Log, message: x}]", "  concurrencyLimit: 16")
        run = Driven(source, checked=False).run()
        assert run.state is State.SUCCESS
        assert len(run.all("t")) == size
        rows = len(run.rows.rows)
        costs[size] = (run.rows.gets / size, rows, max(len(done.events) for done in run.steps))

    assert costs[10_000][0] == pytest.approx(costs[1_000][0], rel=0.1)
    assert costs[10_000][1] == costs[1_000][1]
    assert costs[10_000][2] < 310


def test_ten_thousand_values_at_workers_keep_only_the_active_ones() -> None:
    source = loop("{{ range(1, 3000) }}", "[{id: t, type: Work, script: x}, {id: u, type: Log, message: x}]")
    most = {}
    for limit in (10, 0):
        run = Driven(source.replace("  tasks:", f"  concurrencyLimit: {limit}\n  tasks:"), checked=False).create()
        most[limit] = 0
        while run.waiting or run.fire_next():
            if run.waiting:
                run.work({})
            most[limit] = max(most[limit], len(run.rows.rows))
        assert run.state is State.SUCCESS

    assert most[10] < 60
    assert most[0] < 512 * 3 + 60


def test_values_too_large_for_a_record_fail_the_loop_and_say_what_to_do() -> None:
    run = Driven(loop(["{{ inputs.v }}" + str(n) for n in range(30)]), {"v": "x" * 100_000}).run()

    assert run["each"].state is State.FAILED
    assert "keep them in a file in storage" in run["each"].error


def test_a_loop_in_a_loop_forgets_what_its_iterations_ran() -> None:
    source = """
    tasks:
    - id: outer
      type: ForEach
      values: "{{ range(1, N) }}"
      tasks:
      - id: p
        type: Parallel
        tasks:
        - {id: inner, type: ForEach, values: [1, 2], tasks: [{id: t, type: Work, script: x}]}
        - {id: if, type: If, condition: "true", then: [{id: u, type: Work, script: x}]}
    """
    few, many = (Driven(source.replace("N", str(n))).run() for n in (2, 12))

    assert few.state is many.state is State.SUCCESS
    assert len([key for key in many.rows.rows if key[0] in "tsv"]) == len(
        [key for key in few.rows.rows if key[0] in "tsv"]
    )
