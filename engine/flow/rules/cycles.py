"""Finding a cycle among named things that need each other."""

from __future__ import annotations

from collections.abc import Mapping


def find_cycle(edges: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the names of one cycle, the first repeated at its end; empty if there is none.

    Args:
        edges: What each name needs; every name needed must be a key too.
    """
    waiting = {name: set(needed) for name, needed in edges.items()}
    while free := [name for name, needed in waiting.items() if not needed]:
        for name in free:
            del waiting[name]
        for needed in waiting.values():
            needed.difference_update(free)
    trail: list[str] = []
    name = next(iter(waiting), "")
    while waiting and name not in trail:
        trail.append(name)
        name = min(waiting[name])
    return [*trail[trail.index(name) :], name] if trail else []
