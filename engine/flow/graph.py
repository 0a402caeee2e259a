"""A flow as nodes, edges and clusters, in the JSON shape that topology views of this kind of flow draw.

Owns which edge has which relation and how things are named: `root.<parent>.<task>`, each flowable a cluster of its own
with a start and an end point. Where anything stands on a page is `drawing`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.flow.model import EMPTY, Flow, Task, Trigger
from engine.flow.types import CORE
from engine.values import derive_id

_JAVA = "io.kestra.core.models.hierarchies."
"""Clients tell nodes apart by these class names."""

_RELATIONS = {
    f"{CORE}flow.{name}": relation
    for relation, names in {
        "PARALLEL": ("Parallel",),
        "CHOICE": ("If", "Switch", "Approval"),
        "DYNAMIC": ("Dag", "ForEach", "EachSequential", "EachParallel", "Loop"),
    }.items()
    for name in names
}
"""Relation between a flowable and its first child; SEQUENTIAL for the types not named here."""
_SIDE_BY_SIDE = frozenset({f"{CORE}flow.Parallel", f"{CORE}flow.EachParallel"})
_DAG = f"{CORE}flow.Dag"
_SPLIT = f"{CORE}flow.ForEachItem"
_SUBFLOW = f"{CORE}flow.Subflow"
_SINGLE = ("onWait", "onApprove", "onDeny")

Json = dict[str, Any]


def flow_graph(flow: Flow, expand: Mapping[str, Flow] = EMPTY) -> Json:
    """Return the graph of a flow.

    Args:
        flow: The flow.
        expand: Flows that are called, by the uid of the node that calls each (`root.call`): they are drawn inside.

    Returns:
        `nodes`, `edges`, `clusters` and `flowables` (uids of the nodes that have children).
    """
    drawing = _Graph(expand)
    drawing.flow(flow, _Cluster("root", None, ()))
    return {
        "nodes": drawing.nodes,
        "edges": drawing.edges,
        "clusters": drawing.clusters,
        "flowables": drawing.flowables,
    }


class _Cluster:
    """A flowable while its inside is drawn: where its edges start and end."""

    def __init__(self, uid: str, relation: str | None, parents: tuple[str, ...]) -> None:
        self.uid = uid
        self.name = f"cluster_{uid}"
        self.relation = relation
        self.parents = parents
        self.members: list[str] = []
        self.source = self.start = self.point("root")
        self.end = self.after = self.finish = self.point("end")

    @property
    def inside(self) -> tuple[str, ...]:
        """The parents of what lies in it; the flow itself is no cluster that clients see."""
        return () if self.uid == "root" else (*self.parents, self.name)

    def point(self, kind: str) -> str:
        """Return the uid of its start, end, or of the point before a later branch."""
        return f"{self.uid}.{kind}-{derive_id(self.uid, kind)[:8]}"


class _Graph:
    def __init__(self, expand: Mapping[str, Flow]) -> None:
        self.expand = expand
        self.nodes: list[Json] = []
        self.edges: list[Json] = []
        self.clusters: list[Json] = []
        self.flowables: list[str] = []

    def flow(self, flow: Flow, cluster: _Cluster) -> None:
        """Draw a whole flow into a cluster."""
        if cluster.uid == "root":
            self._points(cluster, flow.branches)
        if flow.triggers:
            self._triggers(flow.triggers, cluster)
        self._tasks(cluster, flow.branches.get("tasks", ()), "SEQUENTIAL")
        self._later(cluster, flow.branches)

    def _points(self, cluster: _Cluster, branches: Mapping[str, tuple[Task, ...]], branch: str | None = None) -> None:
        """Add the points of a cluster; what ends in its main branch goes on to the first later one there is."""
        points = [(cluster.start, "GraphClusterRoot"), (cluster.end, "GraphClusterEnd")]
        if branches.get("afterExecution"):
            cluster.after = cluster.finish = cluster.point("after-execution")
            points.append((cluster.after, "GraphClusterAfterExecution"))
        if branches.get("finally"):
            cluster.finish = cluster.point("finally")
            points.append((cluster.finish, "GraphClusterFinally"))
        for uid, kind in points:
            self._node(cluster, {"uid": uid, "type": _JAVA + kind}, branch)

    def _node(self, cluster: _Cluster, node: Json, branch: str | None) -> str:
        if branch is not None:
            node["branchType"] = branch
        self.nodes.append(node)
        cluster.members.append(node["uid"])
        return str(node["uid"])

    def _edge(self, source: str, target: str, relation: str | None = None, value: str | None = None) -> None:
        pairs = (("relationType", relation), ("value", value))
        named = {key: given for key, given in pairs if given is not None}
        self.edges.append({"source": source, "target": target, "relation": named})

    def _triggers(self, triggers: tuple[Trigger, ...], flow: _Cluster) -> None:
        cluster = _Cluster(f"{flow.uid}.Triggers", None, flow.inside)
        flow.members.append(cluster.name)
        self._points(cluster, EMPTY)
        for trigger in triggers:
            shown = {"id": trigger.id, "type": trigger.declared_type or trigger.type, "disabled": trigger.disabled}
            uid = f"{cluster.uid}.{trigger.id}"
            node = {"uid": uid, "type": f"{_JAVA}GraphTrigger", "triggerDeclaration": {**shown, **trigger.properties}}
            self._node(cluster, node, None)
            self._edge(cluster.start, uid)
            self._edge(uid, cluster.end)
        self._edge(cluster.end, flow.start)
        self._close(cluster, {"uid": cluster.name, "type": f"{_JAVA}GraphCluster"})

    def _close(self, cluster: _Cluster, node: Json) -> None:
        self.clusters.append(
            {
                "cluster": node,
                "nodes": cluster.members,
                "parents": list(cluster.parents),
                "start": cluster.start,
                "end": cluster.end,
            }
        )

    def _later(self, cluster: _Cluster, branches: Mapping[str, tuple[Task, ...]]) -> None:
        self._tasks(cluster, branches.get("errors", ()), "ERROR")
        self._tasks(cluster, branches.get("finally", ()), "FINALLY")
        self._tasks(cluster, branches.get("afterExecution", ()), "AFTER_EXECUTION")

    def _tasks(self, cluster: _Cluster, tasks: tuple[Task, ...], relation: str, value: str | None = None) -> None:
        """Draw one branch of a cluster."""
        branch = relation if relation in ("ERROR", "FINALLY", "AFTER_EXECUTION") else None
        previous, target = {
            "ERROR": (cluster.start, cluster.finish),
            "FINALLY": (cluster.finish, cluster.after),
            "AFTER_EXECUTION": (cluster.after, cluster.end),
        }.get(relation, (cluster.source, cluster.finish))
        for position, task in enumerate(tasks):
            start, end = self._task(cluster, task, relation, branch)
            chained = position > 0 and relation != "PARALLEL" and cluster.relation != "DYNAMIC"
            kind = relation if relation == "ERROR" or chained else cluster.relation
            self._edge(previous, start, kind, value)
            if relation == "PARALLEL":
                self._edge(end, target)
            else:
                previous = end
        if tasks and relation != "PARALLEL":
            self._edge(previous, target)

    def _task(self, cluster: _Cluster, task: Task, relation: str, branch: str | None) -> tuple[str, str]:
        """Draw a task with all inside it; return where edges to it and from it go."""
        uid = f"{cluster.uid}.{task.id}"
        called = self.expand.get(uid)
        if called is None and not _has_inside(task):
            kind = "SubflowGraphTask" if task.type == _SUBFLOW else "GraphTask"
            return self._node(cluster, _task_node(uid, task, relation, kind), branch), uid
        inner = _Cluster(uid, _RELATIONS.get(task.type, "SEQUENTIAL"), cluster.inside)
        if called is not None:
            inner.relation = None
        cluster.members.append(inner.name)
        self._points(inner, called.branches if called is not None else task.branches, branch)
        kind = "SubflowGraphTask" if called is not None else "GraphTask"
        node = _task_node(uid, task, inner.relation or "SEQUENTIAL", kind)
        inner.source = self._node(inner, node, branch)
        self._edge(inner.start, uid)
        self.flowables.append(uid)
        if called is not None:
            self.flow(called, inner)
        else:
            self._inside(inner, task)
        kind = "SubflowGraphCluster" if called is not None else "GraphCluster"
        shown = {"uid": inner.name, "type": _JAVA + kind, "relationType": inner.relation, "taskNode": node}
        if branch is not None:
            shown["branchType"] = branch
        self._close(inner, {key: given for key, given in shown.items() if given is not None})
        return inner.start, inner.end

    def _inside(self, cluster: _Cluster, task: Task) -> None:
        tasks = (*task.branches.get("onPause", ()), *task.branches.get("tasks", ()))
        if task.type == _DAG:
            self._dag(cluster, tasks)
        elif task.type == _SPLIT:
            self._tasks(cluster, _split_parts(task), "SEQUENTIAL")
        else:
            self._tasks(cluster, tasks, "PARALLEL" if task.type in _SIDE_BY_SIDE else "SEQUENTIAL")
        for branch, children in task.branches.items():
            if branch in ("then", "else", "defaults", *_SINGLE) or branch.startswith("cases."):
                self._tasks(cluster, children, "SEQUENTIAL", branch.removeprefix("cases."))
        self._later(cluster, task.branches)

    def _dag(self, cluster: _Cluster, tasks: tuple[Task, ...]) -> None:
        ends: dict[str, tuple[str, str]] = {}
        for task in tasks:
            ends[task.id] = self._task(cluster, task, "SEQUENTIAL", None)
        needed = {name for task in tasks for name in task.depends_on}
        for task in tasks:
            start, end = ends[task.id]
            known = [ends[name][1] for name in task.depends_on if name in ends]
            for source in known or [cluster.source]:
                self._edge(source, start, "PARALLEL")
            if task.id not in needed:
                self._edge(end, cluster.finish)


def _has_inside(task: Task) -> bool:
    return task.type == _SPLIT or any(children for branch, children in task.branches.items() if branch != "onPause")


def _split_parts(task: Task) -> tuple[Task, ...]:
    """The three tasks into which a ForEachItem unfolds when it runs."""
    call = {key: task.properties[key] for key in ("namespace", "flowId", "revision") if key in task.properties}
    return (
        Task(id=f"{task.id}_split", type=f"{_SPLIT}$ForEachItemSplit"),
        Task(id=f"{task.id}_items", type=_SUBFLOW, properties=call),
        Task(id=f"{task.id}_merge", type=f"{_SPLIT}$ForEachItemMergeOutputs"),
    )


def _task_node(uid: str, task: Task, relation: str, kind: str) -> Json:
    shown: Json = {"id": task.id, "type": task.declared_type or task.type}
    for key, value in (("description", task.description), ("runIf", task.run_if), ("timeout", task.timeout)):
        if value is not None:
            shown[key] = value
    shown |= {"disabled": task.disabled, "allowFailure": task.allow_failure, **task.properties}
    return {"uid": uid, "type": _JAVA + kind, "task": shown, "relationType": relation}
