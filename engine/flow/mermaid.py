"""A flow's graph as Mermaid text, for pages and terminals that draw it themselves. Owns only the notation."""

from __future__ import annotations

from typing import Any

from engine.flow.graph import flow_graph
from engine.flow.model import Flow

_ARROWS = {"ERROR": "-. error .->", "FINALLY": "-. finally .->", "AFTER_EXECUTION": "-. after .->"}


def graph_mermaid(flow: Flow) -> str:
    """Return the graph of a flow as a Mermaid flowchart, from top to bottom."""
    graph = flow_graph(flow)
    names = {node["uid"]: f"n{index}" for index, node in enumerate(graph["nodes"])}
    nodes = {node["uid"]: node for node in graph["nodes"]}
    clusters = {cluster["cluster"]["uid"]: cluster for cluster in graph["clusters"]}
    names |= {uid: f"c{index}" for index, uid in enumerate(clusters)}
    inside = {uid for cluster in clusters.values() for uid in cluster["nodes"]}
    lines = ["flowchart TD"]
    for uid in [uid for uid in (*nodes, *clusters) if uid not in inside]:
        lines += _part(uid, nodes, clusters, names, 1)
    for edge in graph["edges"]:
        relation = edge["relation"]
        arrow = _ARROWS.get(relation.get("relationType", ""), "-->")
        value = relation.get("value")
        label = f"|{_text(value)}|" if value is not None and arrow == "-->" else ""
        lines.append(f"  {names[edge['source']]} {arrow}{label} {names[edge['target']]}")
    return "\n".join(lines) + "\n"


def _part(uid: str, nodes: dict[str, Any], clusters: dict[str, Any], names: dict[str, str], depth: int) -> list[str]:
    indent = "  " * depth
    if uid in nodes:
        return [indent + names[uid] + _shape(nodes[uid])]
    title = uid.rsplit(".", 1)[-1]
    lines = [f"{indent}subgraph {names[uid]}[{_text(title)}]"]
    for member in clusters[uid]["nodes"]:
        lines += _part(member, nodes, clusters, names, depth + 1)
    return [*lines, f"{indent}end"]


def _shape(node: dict[str, Any]) -> str:
    if "task" in node:
        return f"[{_text(node['task']['id'])}]"
    if "triggerDeclaration" in node:
        return f"([{_text(node['triggerDeclaration']['id'])}])"
    return '((" "))'


def _text(value: object) -> str:
    """Return a label in quotes; what Mermaid would read as its own notation is written as an entity."""
    text = str(value)[:80]
    for mark, entity in (("#", "#35;"), ('"', "#quot;"), ("<", "#lt;"), (">", "#gt;"), ("\n", " ")):
        text = text.replace(mark, entity)
    return f'"{text}"'
