"""Parsed flows by their text, so that a source is read once however often it is asked for.

Owns a small cache that threads share. Parsing itself is `engine.flow`'s, which is loaded when it is first needed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.flow import Flow, ParsedFlow

KEPT = 256
"""Flows kept; a parsed flow takes some ten to hundred kilobytes."""


class FlowTexts:
    """Reads sources; any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parsed: OrderedDict[tuple[str, bool], ParsedFlow] = OrderedDict()
        self._bodies: OrderedDict[str, dict[str, Any]] = OrderedDict()

    def parsed(self, source: str, *, strict: bool) -> ParsedFlow:
        """Return what `engine.flow.parse_flow` says about a source."""
        from engine.flow import parse_flow

        key = (source, strict)
        with self._lock:
            found = self._parsed.get(key)
            if found is not None:
                self._parsed.move_to_end(key)
                return found
        found = parse_flow(source, strict=strict)
        with self._lock:
            self._parsed[key] = found
            while len(self._parsed) > KEPT:
                self._parsed.popitem(last=False)
        return found

    def flow(self, source: str) -> Flow | None:
        """Return a stored flow, read leniently; None if it can't be used."""
        return self.parsed(source, strict=False).flow

    def body(self, source: str) -> dict[str, Any]:
        """Return a flow's JSON as written (a fresh map, its values shared: never change them)."""
        from engine.flow.body import flow_to_json

        with self._lock:
            found = self._bodies.get(source)
            if found is not None:
                self._bodies.move_to_end(source)
                return dict(found)
        found = flow_to_json(source)
        with self._lock:
            self._bodies[source] = found
            while len(self._bodies) > KEPT:
                self._bodies.popitem(last=False)
        return dict(found)

    def facts(self, source: str) -> tuple[bool, str | None, tuple[tuple[str, str], ...]]:
        """Return disabled, description and labels: what searches need of a flow."""
        body = self.body(source)
        labels = body.get("labels") or []
        description = body.get("description")
        return (
            bool(body.get("disabled")),
            description if isinstance(description, str) else None,
            tuple((str(label["key"]), str(label["value"])) for label in labels),
        )
