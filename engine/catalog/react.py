"""The catalogue asks nothing of the world: everybody who needs flows folds its events."""

from __future__ import annotations

from engine.machine import Event, Reactor

REACTORS: dict[type[Event], Reactor] = {}
