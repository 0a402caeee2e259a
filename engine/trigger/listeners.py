"""Which flow triggers listen to a flow: an inverted index over the catalogue.

Owns reading a flow's triggers into listeners and finding them by the flow whose execution changes. Whether a listener's
conditions hold is decided by the execution that changes (`engine/execution/listening.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from engine.flow.model import Flow, Trigger
from engine.flow.types import CORE
from engine.trigger.conditions import kind_of
from engine.trigger.joins import Join, gates_of, join_of, states_of
from engine.values import State

FLOW_TRIGGER = f"{CORE}trigger.Flow"

Heard = tuple[str | None, str | None]
"""Namespace and flow whose executions are listened to; None: any."""
ANY: Heard = (None, None)


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """A flow trigger of a flow's latest revision."""

    namespace: str
    flow_id: str
    revision: int
    variables: Mapping[str, Any]
    """Of its flow."""
    trigger: Trigger
    states: frozenset[State]
    gates: tuple[Any, ...]
    """Conditions that each execution must meet by itself."""
    join: Join | None


def listeners_of(flow: Flow, revision: int) -> tuple[Listener, ...]:
    """Return the flow triggers of a flow that are on."""
    if flow.disabled:
        return ()
    return tuple(
        Listener(
            namespace=flow.namespace,
            flow_id=flow.id,
            revision=revision,
            variables=flow.variables,
            trigger=trigger,
            states=states_of(trigger),
            gates=gates_of(trigger),
            join=join_of(trigger),
        )
        for trigger in flow.triggers
        if trigger.type == FLOW_TRIGGER and not trigger.disabled
    )


def heard_by(listener: Listener) -> frozenset[Heard]:
    """Return whose executions may matter to a listener: as few as its conditions say for sure."""
    narrow = [found for each in listener.gates if (found := _heard(each)) != ANY]
    if narrow:
        return frozenset({min(narrow, key=lambda heard: heard.count(None))})
    if listener.join is None:
        return frozenset({ANY})
    return frozenset(_heard_by_member(each.kind, each.written) for each in listener.join.members) or frozenset({ANY})


def _heard(condition: Any) -> Heard:
    kind = kind_of(condition)
    if kind == "ExecutionFlow":
        return _text(condition, "namespace"), _text(condition, "flowId")
    if kind != "ExecutionNamespace":
        return ANY
    exact = condition.get("comparison", "EQUALS") == "EQUALS" and condition.get("prefix") in (None, False, "false")
    return (_text(condition, "namespace"), None) if exact else ANY


def _heard_by_member(kind: str, written: Mapping[str, Any]) -> Heard:
    if kind == "flow":
        return _text(written, "namespace"), _text(written, "flowId")
    return _heard(written) if kind == "condition" else ANY


def _text(written: Mapping[str, Any], key: str) -> str | None:
    value = written.get(key)
    return None if value is None else str(value)


class Listeners:
    """The listeners of all flows. Whoever folds the catalogue keeps it up to date."""

    def __init__(self) -> None:
        self._heard: dict[Heard, dict[tuple[str, str], tuple[Listener, ...]]] = {}
        self._of: dict[tuple[str, str], frozenset[Heard]] = {}

    def put(self, namespace: str, flow_id: str, listeners: Iterable[Listener]) -> None:
        """Take the listeners of a flow in, in the place of those that it had."""
        own = (namespace, flow_id)
        for heard in self._of.pop(own, ()):
            self._heard[heard].pop(own)
            if not self._heard[heard]:
                del self._heard[heard]
        by_heard: dict[Heard, list[Listener]] = {}
        for listener in listeners:
            for heard in heard_by(listener):
                by_heard.setdefault(heard, []).append(listener)
        for heard, found in by_heard.items():
            self._heard.setdefault(heard, {})[own] = tuple(found)
        if by_heard:
            self._of[own] = frozenset(by_heard)

    def of(self, namespace: str, flow_id: str) -> tuple[Listener, ...]:
        """Return the listeners that executions of a flow may matter to, those of the flow itself left out."""
        if not self._heard:
            return ()
        found: dict[tuple[str, str, str], Listener] = {}
        for heard in ((namespace, flow_id), (namespace, None), (None, flow_id), ANY):
            for own, listeners in self._heard.get(heard, {}).items():
                if own != (namespace, flow_id):
                    for each in listeners:
                        found[(*own, each.trigger.id)] = each
        return tuple(found[key] for key in sorted(found))
