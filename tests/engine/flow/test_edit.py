"""Changes to a flow's text at one place, every other byte kept."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flow.document import read_documents
from engine.flow.edit import (
    EditError,
    add_task,
    disable_task,
    move_task,
    remove_task,
    set_flow_property,
    set_task_property,
)
from engine.flow.emit import emit_block, emit_inline

FLOW = """\
# A comment at the top.
id: one
namespace: some.team   # the team

tasks:
  # What comes first.
  - id: a
    type: io.kestra.plugin.core.log.Log   # logs
    message: |
      two
        lines

  - id: seq
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
    - {id: b, type: io.kestra.plugin.core.log.Log, message: "x"}   # flow style

    # between
    - id: c
      type: io.kestra.plugin.core.log.Log
      message: x # end of c
  - id: dag
    type: io.kestra.plugin.core.flow.Dag
    tasks:
      - task:
          id: d
          type: io.kestra.plugin.core.log.Log
          message: x
      - task: {id: e, type: io.kestra.plugin.core.log.Log, message: x}
        dependsOn: [d]
  - id: switch
    type: io.kestra.plugin.core.flow.Switch
    value: x
    cases: {one: [{id: f, type: io.kestra.plugin.core.log.Log, message: x}, {id: g, type: a.b}], two: []}
# The end."""

NAMES = list("abcdefg")


def value(text: str) -> Any:
    (document,) = read_documents(text)
    assert document.problems == []
    return document.value


def lines_changed(before: str, after: str) -> tuple[list[str], list[str]]:
    """Return the lines that went and those that came, where the change is in one place."""
    old, new = before.split("\n"), after.split("\n")
    while old and new and old[0] == new[0]:
        old, new = old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return old, new


def test_a_task_is_disabled_right_behind_its_type() -> None:
    assert lines_changed(FLOW, disable_task(FLOW, "c")) == ([], ["      disabled: true"])
    assert lines_changed(FLOW, disable_task(FLOW, "a")) == ([], ["    disabled: true"])


def test_disabling_and_enabling_changes_only_the_word() -> None:
    off = disable_task(FLOW, "c")

    assert disable_task(off, "c") == off
    assert lines_changed(off, disable_task(off, "c", False)) == (["      disabled: true"], ["      disabled: false"])
    assert disable_task(FLOW, "c", False) == FLOW


def test_a_task_in_flow_style_is_disabled_within_its_braces() -> None:
    (_,), (line,) = lines_changed(FLOW, disable_task(FLOW, "b"))

    assert line == '    - {id: b, type: io.kestra.plugin.core.log.Log, message: "x", "disabled": true}   # flow style'


def test_a_removed_task_takes_its_lines_and_no_comment_around_them() -> None:
    went, came = lines_changed(FLOW, remove_task(FLOW, "c"))

    assert [line.strip() for line in went] == [
        "- id: c",
        "type: io.kestra.plugin.core.log.Log",
        "message: x # end of c",
    ]
    assert came == []


def test_a_comment_indented_into_a_task_belongs_to_it() -> None:
    text = "id: f\ntasks:\n  - id: a\n    script: |\n      x\n\n    # inside\n  # outside\n  - id: b\n    type: t\n"

    assert remove_task(text, "a") == "id: f\ntasks:\n  # outside\n  - id: b\n    type: t\n"
    assert add_task(text, "id: c\ntype: t", after="a").index("# inside") < text.index("# outside")
    assert "    # inside\n  - id: c\n    type: t\n  # outside\n" in add_task(text, "id: c\ntype: t", after="a")


def test_a_comment_above_a_task_stays_with_it_when_another_comes_before() -> None:
    text = move_task(FLOW, "seq", before="a")

    assert "tasks:\n  - id: seq\n" in text
    assert "  # What comes first.\n  - id: a\n" in text


def test_a_colon_in_a_comment_misleads_nobody() -> None:
    text = "id: f\ntasks:\n  # note: this\n  - id: a\n    type: t\n"

    assert value(remove_task(text, "a")) == {"id": "f", "tasks": []}
    assert value(set_task_property(text, "a", "env", {"a:b": "c: d"}))["tasks"][0]["env"] == {"a:b": "c: d"}


def test_the_last_task_of_a_list_leaves_an_empty_one() -> None:
    text = remove_task(remove_task(FLOW, "b"), "c")

    assert value(text)["tasks"][1]["tasks"] == []


def test_comments_above_the_only_task_of_a_list_stay() -> None:
    text = "tasks:  # all of them\n  # about a\n  - id: a\n    type: t\nid: f\n"

    assert remove_task(text, "a") == "tasks: []  # all of them\n  # about a\nid: f\n"
    assert remove_task("tasks: &all\n- id: a\nother: *all\n", "a") == "tasks: &all []\nother: *all\n"


def test_a_task_that_moves_within_its_dag_keeps_what_it_depends_on() -> None:
    moved = value(move_task(FLOW, "e", before="d"))["tasks"][2]["tasks"]

    assert [item["task"]["id"] for item in moved] == ["e", "d"]
    assert moved[0]["dependsOn"] == ["d"]


@pytest.mark.parametrize("held", ["''", "0", "false", "text"])
def test_a_branch_that_holds_something_else_is_not_written_over(held: str) -> None:
    with pytest.raises(EditError, match="Expected a list of tasks in 'errors', but found"):
        add_task(f"errors: {held}\ntasks: []\n", "id: a", branch="errors")


def test_a_task_with_a_property_named_task_is_not_taken_for_an_item_of_a_dag() -> None:
    flow = "tasks:\n- id: a\n  type: io.example.Start\n  task: {id: inner, family: web}\n- id: b\n  type: t\n"

    assert remove_task(flow, "a") == "tasks:\n- id: b\n  type: t\n"
    with pytest.raises(EditError, match="There is no task 'inner'"):
        remove_task(flow, "inner")


def test_a_task_of_a_dag_goes_with_what_it_depended_on() -> None:
    went, came = lines_changed(FLOW, remove_task(FLOW, "e"))

    assert len(went) == 2
    assert came == []


def test_a_task_is_added_as_it_is_written() -> None:
    task = """
        id: new  # mine
        type: io.kestra.plugin.core.log.Log

        # why
        message: |
          a

          b
    """
    went, came = lines_changed(FLOW, add_task(FLOW, task, after="a"))

    assert went == []
    assert came[:6] == [
        "  - id: new  # mine",
        "    type: io.kestra.plugin.core.log.Log",
        "",
        "    # why",
        "    message: |",
        "      a",
    ]


def test_a_task_is_added_to_branches_that_are_there_and_that_are_not() -> None:
    task = "id: new\ntype: a.b\n"

    assert value(add_task(FLOW, task))["tasks"][-1]["id"] == "new"
    assert value(add_task(FLOW, task, branch="errors"))["errors"] == [{"id": "new", "type": "a.b"}]
    assert value(add_task(FLOW, task, parent="seq"))["tasks"][1]["tasks"][-1]["id"] == "new"
    assert value(add_task(FLOW, task, parent="seq", branch="finally"))["tasks"][1]["finally"][0]["id"] == "new"
    assert (
        value(add_task(FLOW, task, parent="switch", branch="cases.two"))["tasks"][3]["cases"]["two"][0]["id"] == "new"
    )
    assert value(add_task(FLOW, task, parent="dag"))["tasks"][2]["tasks"][-1] == {"task": {"id": "new", "type": "a.b"}}


def test_a_moved_task_keeps_its_own_text() -> None:
    moved = move_task(FLOW, "a", after="c")

    assert [task["id"] for task in value(moved)["tasks"][0]["tasks"]] == ["b", "c", "a"]
    assert "    - id: a\n      type: io.kestra.plugin.core.log.Log   # logs\n      message: |\n        two\n" in moved
    assert "  # What comes first.\n" in moved


def test_a_flowable_cannot_be_moved_into_itself() -> None:
    with pytest.raises(EditError, match="into itself"):
        move_task(FLOW, "seq", after="c")


def test_properties_take_every_kind_of_value() -> None:
    for given_value in [
        "plain",
        "with: colon",
        "two\nlines\n",
        "",
        "true",
        3,
        1.5,
        None,
        [1, {"a": "b"}],
        {"k": ["v"]},
    ]:
        for name in NAMES[:5]:
            text = set_task_property(FLOW, name, "message", given_value)
            assert find(value(text), name)["message"] == given_value
            assert find(value(set_task_property(FLOW, name, "fresh", given_value)), name)["fresh"] == given_value


def test_a_property_of_the_flow_is_set_behind_the_namespace() -> None:
    assert lines_changed(FLOW, set_flow_property(FLOW, "disabled", True)) == ([], ["disabled: true"])
    assert value(set_flow_property(FLOW, "namespace", "other"))["namespace"] == "other"


def test_a_missing_task_is_named_with_the_nearest_one() -> None:
    with pytest.raises(EditError, match="Did you mean 'switch'"):
        remove_task(FLOW, "swich")


@pytest.mark.parametrize("text", ["", "a: [", "- 1\n", "id: x\nid: y\n", "a: 1\n---\nb: 2\n"])
def test_a_text_that_is_no_flow_is_refused(text: str) -> None:
    with pytest.raises(EditError):
        remove_task(text, "a")


def test_a_place_behind_an_alias_is_refused() -> None:
    text = "x: &x\n  - {id: a, type: t}\n  - {id: b, type: t}\ntasks: *x\n"

    with pytest.raises(EditError, match="alias"):
        remove_task(text, "a")


def test_windows_line_ends_stay() -> None:
    text = FLOW.replace("\n", "\r\n")
    removed = remove_task(text, "c")

    assert removed == remove_task(FLOW, "c").replace("\n", "\r\n")


def test_comments_between_the_items_of_a_list_in_flow_style_stay() -> None:
    text = "id: f\ntasks: [\n  {id: a, type: t}, # about a\n  {id: b, type: t}, # about b\n]\n"

    assert remove_task(text, "b") == "id: f\ntasks: [\n  {id: a, type: t}, # about a\n   # about b\n]\n"
    assert "# about b" in remove_task(remove_task(text, "a"), "b")
    assert remove_task("tasks: [ {id: a}, ]\n", "a") == "tasks: []\n"


def test_a_task_that_ends_in_blank_lines_on_purpose_keeps_them() -> None:
    task = "id: new\ntype: t\nmessage: |+\n  a\n\n\n"

    for text in (FLOW, "tasks: [{id: a, type: t}]\n"):
        assert find(value(add_task(text, task, after="a")), "new")["message"] == "a\n\n\n"


@pytest.mark.parametrize("task", ["id: a\nid: b\n", "id: a\n---\nid: b\n", "- id: a\n", "id: [", "\ud800"])
def test_a_task_that_is_not_one_map_is_refused(task: str) -> None:
    with pytest.raises(EditError, match="task can't be read"):
        add_task(FLOW, task)


def test_a_new_branch_has_the_form_that_its_flowable_wants() -> None:
    flow = "tasks:\n- {id: p, type: io.kestra.plugin.core.flow.%s, other: x}\n"
    task = "id: new\ntype: t\n"

    def first(text: str) -> Any:
        return value(text)["tasks"][0]

    assert first(add_task(flow % "Dag", task, parent="p"))["tasks"] == [{"task": {"id": "new", "type": "t"}}]
    assert first(add_task(flow % "Pause", task, parent="p", branch="onPause"))["onPause"] == {"id": "new", "type": "t"}
    assert first(add_task(flow % "Pause", task, parent="p", branch="tasks"))["tasks"] == [{"id": "new", "type": "t"}]


def test_what_stands_where_tasks_should_is_not_overwritten() -> None:
    text = "id: f\ntasks:\n- {id: p, type: io.kestra.plugin.core.flow.Pause, onPause: {id: q, type: t}, cases: 1}\n"

    with pytest.raises(EditError, match="found a map"):
        add_task(text, "id: new\ntype: t\n", parent="p", branch="onPause")
    with pytest.raises(EditError):
        add_task(text, "id: new\ntype: t\n", parent="p", branch="cases.x")


@pytest.mark.parametrize("text", ["\ud800", "a: 1\ns: *d\n", "- a\n", ""])
def test_a_property_of_an_unreadable_flow_is_not_set(text: str) -> None:
    with pytest.raises(EditError, match="can't be read"):
        set_flow_property(text, "disabled", True)


def find(flow: Any, name: str) -> Any:
    """Return the raw map of a task."""
    if isinstance(flow, dict):
        if flow.get("id") == name:
            return flow
        return next((found for inner in flow.values() if (found := find(inner, name))), None)
    if isinstance(flow, list):
        return next((found for inner in flow if (found := find(inner, name))), None)
    return None


# ---- properties

scalars = st.one_of(st.text(max_size=30), st.integers(), st.booleans(), st.none(), st.floats(-1e6, 1e6))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)


@given(values)
def test_what_is_emitted_reads_back_the_same(given_value: Any) -> None:
    for text in (f"k: {emit_inline(given_value)}\n", f"k:{emit_block(given_value, 0)}\n"):
        (document,) = read_documents(text)
        assert document.problems == []
        assert document.value == {"k": given_value}


identifiers = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True)
gaps = st.sampled_from(["", "\n", "\n\n", "# note\n", "\n   # deep note\n"])
tails = st.sampled_from(["", " # tail", "   "])


@st.composite
def flows(draw: Any, depth: int = 2) -> list[str]:
    """Draw the lines of a list of tasks in block style with comments, blank lines and nested lists at any indent."""
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(gaps).split("\n")[:-1]
        name = draw(st.integers(0, 10**9))
        own = [f"id: t{name}{draw(tails)}", f"type: {draw(identifiers)}{draw(tails)}"]
        if depth and draw(st.booleans()):
            own[1] = "type: io.kestra.plugin.core.flow.Sequential"
            offset = draw(st.sampled_from(["", "  "]))
            own += ["tasks:", *(offset + line if line.strip() else line for line in draw(flows(depth - 1)))]
        elif draw(st.booleans()):
            own += ["script: |", "  one", "", "   two"]
        else:
            own += [f"message: {draw(st.sampled_from(['plain', 'quoted text', '[1, 2]', '>-']))}"]
            own += ["  folded", "  text"] if own[-1].endswith(">-") else []
        lines += [("- " if not index else "  ") + line if line.strip() else line for index, line in enumerate(own)]
    return lines


def text_of(lines: list[str]) -> str:
    return "id: f\nnamespace: n\ntasks:\n" + "\n".join(f"  {line}" if line.strip() else line for line in lines) + "\n"


def task_ids(flow: Any) -> list[str]:
    if isinstance(flow, list):
        return [name for item in flow for name in task_ids(item)]
    found = [flow["id"]] if str(flow.get("id")).startswith("t") else []
    return found + task_ids(flow.get("tasks", []))


def unique(names: list[str]) -> bool:
    return len(set(names)) == len(names)


@settings(max_examples=60, deadline=None)
@given(flows(), st.data())
def test_every_edit_keeps_all_lines_but_those_of_its_place(lines: list[str], data: Any) -> None:
    text = text_of(lines)
    names = task_ids(value(text))
    if not unique(names):
        return
    name = data.draw(st.sampled_from(names))
    disabled = disable_task(text, name)
    went, came = lines_changed(text, disabled)
    assert (went, [line.strip() for line in came]) == ([], ["disabled: true"])
    added = add_task(text, "id: new\ntype: x\n", after=name)
    went, came = lines_changed(text, added)
    assert went == []
    assert [line for line in added.split("\n") if line not in came] == [
        line for line in text.split("\n") if line not in came
    ]
    assert remove_task(added, "new") == text
    removed = remove_task(text, name)
    kept = removed.split("\n")
    remaining = iter(text.split("\n"))
    assert all(any(line == other for other in remaining) for line in kept if not line.endswith("[]"))


@settings(max_examples=40, deadline=None)
@given(flows(), st.data())
def test_a_move_keeps_every_task_and_its_content(lines: list[str], data: Any) -> None:
    text = text_of(lines)
    before = value(text)
    names = task_ids(before)
    if not unique(names) or len(names) < 2:
        return
    name, target = data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=2, unique=True))
    try:
        moved = move_task(text, name, after=target)
    except EditError:
        assert target in task_ids(find(before, name))
        return
    after = value(moved)
    assert sorted(task_ids(after)) == sorted(names)
    assert find(after, name) == find(before, name)


@given(st.text(max_size=60), st.sampled_from(["a", "t1", ""]))
def test_no_text_whatsoever_makes_an_edit_crash(text: str, name: str) -> None:
    for change in (lambda: remove_task(text, name), lambda: disable_task(text, name), lambda: add_task(text, text)):
        with contextlib.suppress(EditError):
            change()


def test_the_sample_flow_is_one_that_all_edits_can_change() -> None:
    for name in NAMES:
        assert find(value(remove_task(FLOW, name)), name) is None
        assert find(value(disable_task(FLOW, name)), name)["disabled"] is True
        assert find(value(add_task(FLOW, "id: z\ntype: x", after=name)), "z")
