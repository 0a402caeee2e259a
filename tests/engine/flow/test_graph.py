"""A flow as nodes, edges and clusters, and its drawings."""

from __future__ import annotations

from typing import Any
from xml.dom import minidom

from engine.flow.drawing import graph_svg
from engine.flow.graph import flow_graph
from engine.flow.mermaid import graph_mermaid
from tests.engine.flow.flows import CORE, log, sound

EVERYTHING = f"""
triggers: [{{id: nightly, type: {CORE}trigger.Schedule, cron: "@daily"}}]
tasks:
  - {log("first")}
  - id: choose
    type: {CORE}flow.If
    condition: "{{{{ true }}}}"
    then: [{log("yes1")}, {log("yes2")}]
    else: [{log("no1")}]
  - id: par
    type: {CORE}flow.Parallel
    tasks: [{log("p1")}, {log("p2")}]
    errors: [{log("p_err")}]
    finally: [{log("p_fin1")}, {log("p_fin2")}]
  - id: dag
    type: {CORE}flow.Dag
    tasks:
      - task: {log("d1")}
      - {{task: {log("d2")}, dependsOn: [d1]}}
      - {{task: {log("d3")}, dependsOn: [d1]}}
  - id: each
    type: {CORE}flow.ForEach
    values: [1]
    tasks: [{log("e1")}, {log("e2")}]
  - {{id: split, type: {CORE}flow.ForEachItem, items: x, namespace: a, flowId: b}}
  - {{id: call, type: {CORE}flow.Subflow, namespace: a, flowId: b}}
errors: [{log("err")}]
finally: [{log("fin")}]
afterExecution: [{log("after")}]
"""


def graph_of(body: str) -> Any:
    return flow_graph(sound(body, tasks=False))


def edges_to(graph: Any, target: str) -> list[tuple[str, Any]]:
    """Return where edges to a node come from, by the last word of the uid, with their relation."""
    found = []
    for edge in graph["edges"]:
        if edge["target"].rsplit(".", 1)[-1].split("-")[0] == target:
            source = edge["source"].rsplit(".", 1)[-1]
            found.append((source.split("-")[0], edge["relation"]))
    return found


def test_a_sequence_goes_from_its_start_to_its_end() -> None:
    graph = graph_of(f"tasks: [{log('a')}, {log('b')}]")

    assert edges_to(graph, "a") == [("root", {})]
    assert edges_to(graph, "b") == [("a", {"relationType": "SEQUENTIAL"})]
    assert edges_to(graph, "end") == [("b", {})]
    assert graph["clusters"] == []


def test_uids_are_unique_and_every_edge_joins_two_of_them() -> None:
    graph = graph_of(EVERYTHING)
    uids = [node["uid"] for node in graph["nodes"]]

    assert len(set(uids)) == len(uids)
    assert all(uid.startswith("root.") for uid in uids)
    assert all(edge["source"] in uids and edge["target"] in uids for edge in graph["edges"])
    names = {cluster["cluster"]["uid"] for cluster in graph["clusters"]}
    assert all(uid in names or uid in uids for cluster in graph["clusters"] for uid in cluster["nodes"])
    assert all(parent in names for cluster in graph["clusters"] for parent in cluster["parents"])


def test_the_same_flow_gives_the_same_graph() -> None:
    assert graph_of(EVERYTHING) == graph_of(EVERYTHING)


def test_relations_tell_the_kinds_of_flowables_apart() -> None:
    graph = graph_of(EVERYTHING)

    assert edges_to(graph, "yes1") == [("choose", {"relationType": "CHOICE", "value": "then"})]
    assert edges_to(graph, "yes2") == [("yes1", {"relationType": "SEQUENTIAL", "value": "then"})]
    assert edges_to(graph, "no1") == [("choose", {"relationType": "CHOICE", "value": "else"})]
    assert edges_to(graph, "p2") == [("par", {"relationType": "PARALLEL"})]
    assert edges_to(graph, "d3") == [("d1", {"relationType": "PARALLEL"})]
    assert edges_to(graph, "e2") == [("e1", {"relationType": "DYNAMIC"})]


def test_errors_start_where_their_flowable_starts_and_end_before_finally() -> None:
    graph = graph_of(EVERYTHING)

    assert edges_to(graph, "p_err") == [("root", {"relationType": "ERROR"})]
    assert edges_to(graph, "p_fin1") == [("finally", {"relationType": "PARALLEL"})]
    assert edges_to(graph, "p_fin2") == [("p_fin1", {"relationType": "FINALLY"})]
    assert ("p_err", {}) in edges_to(graph, "finally")
    assert edges_to(graph, "err") == [("root", {"relationType": "ERROR"})]
    branches = {n["task"]["id"]: n.get("branchType") for n in graph["nodes"] if "task" in n}
    assert (branches["err"], branches["fin"], branches["after"]) == ("ERROR", "FINALLY", "AFTER_EXECUTION")


def test_triggers_are_a_cluster_before_the_start() -> None:
    graph = graph_of(EVERYTHING)
    (cluster,) = [c for c in graph["clusters"] if c["cluster"]["uid"] == "cluster_root.Triggers"]

    assert "root.Triggers.nightly" in cluster["nodes"]
    assert any(e["source"] == cluster["end"] and ".Triggers" not in e["target"] for e in graph["edges"])


def test_a_split_loop_shows_its_three_parts() -> None:
    uids = {node["uid"] for node in graph_of(EVERYTHING)["nodes"]}

    assert {"root.split.split_split", "root.split.split_items", "root.split.split_merge"} <= uids


def test_a_called_flow_can_be_drawn_inside() -> None:
    called = sound(f"triggers: [{{id: t, type: {CORE}trigger.Webhook, key: k}}]")
    flow = sound(EVERYTHING, tasks=False)
    graph = flow_graph(flow, {"root.call": called})
    uids = {node["uid"] for node in graph["nodes"]}

    assert {"root.call", "root.call.only", "root.call.Triggers.t"} <= uids
    (cluster,) = [c["cluster"] for c in graph["clusters"] if c["cluster"]["uid"] == "cluster_root.call"]
    assert cluster["type"].endswith("SubflowGraphCluster")


def test_mermaid_names_every_task_once_and_nests_flowables() -> None:
    text = graph_mermaid(sound(EVERYTHING, tasks=False))

    assert text.startswith("flowchart TD\n")
    assert text.count('["yes1"]') == 1
    assert text.count("subgraph ") == text.count("\n  end") + text.count("\n    end") == 6
    assert "-. error .->" in text


def test_the_picture_is_whole_and_escapes_what_people_write() -> None:
    svg = graph_svg(sound(EVERYTHING, tasks=False))
    document = minidom.parseString(svg)
    texts = [text.firstChild.data for text in document.getElementsByTagName("text") if text.firstChild]

    assert {"first", "choose", "then", "no1", "nightly", "afterExecution"} <= set(texts)
    assert "script" not in svg
    switch = f"tasks: [{{id: s, type: {CORE}flow.Switch, value: x, cases: {{'<b>&': [{log('a')}]}}}}]"
    minidom.parseString(graph_svg(sound(switch, tasks=False)))


def test_boxes_of_one_row_do_not_overlap() -> None:
    svg = graph_svg(
        sound(f"tasks: [{{id: p, type: {CORE}flow.Parallel, tasks: [{log('a')}, {log('b')}]}}]", tasks=False)
    )
    boxes = [
        (float(r.getAttribute("x")), float(r.getAttribute("x")) + float(r.getAttribute("width")))
        for r in minidom.parseString(svg).getElementsByTagName("rect")
        if r.getAttribute("class") == "task"
    ]

    assert boxes[0][1] < boxes[1][0]


def test_the_triggers_lead_to_the_first_task() -> None:
    trigger = f"{{id: TRIGGER, type: {CORE}trigger.Schedule, cron: '@daily'}}"
    one = f"tasks: [{log('a')}]\ntriggers: [{trigger}, {trigger.replace('TRIGGER', 'other')}]"

    assert graph_svg(sound(one, tasks=False)).count('class="arrow"') == 1
    assert graph_svg(sound(f"tasks: [{log('a')}]", tasks=False)).count('class="arrow"') == 0
