"""Finding order, or a cycle, among named things that need each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


def depths(edges: Mapping[str, tuple[str, ...]]) -> dict[str, int]:
    """Return how many things must come before each one, counted along the longest way; those in a cycle are missing.

    Args:
        edges: What each name needs; needed names that are no keys are ignored.
    """
    waiting = {name: len({n for n in needed if n in edges}) for name, needed in edges.items()}
    needed_by: dict[str, list[str]] = {}
    for name, needed in edges.items():
        for other in {n for n in needed if n in edges}:
            needed_by.setdefault(other, []).append(name)
    found = {name: 0 for name, count in waiting.items() if not count}
    free = deque(found)
    while free:
        name = free.popleft()
        for other in needed_by.get(name, ()):
            waiting[other] -= 1
            if not waiting[other]:
                # The last of what it needs to come is the deepest: depths rise along the queue.
                found[other] = found[name] + 1
                free.append(other)
    return found


def find_cycle(edges: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the names of one cycle, the first repeated at its end; empty if there is none.

    Args:
        edges: What each name needs; needed names that are no keys are ignored.
    """
    sorted_out = depths(edges)
    name = next((name for name in edges if name not in sorted_out), None)
    trail: dict[str, int] = {}
    while name is not None and name not in trail:
        trail[name] = len(trail)
        name = next(n for n in edges[name] if n in edges and n not in sorted_out)
    return [*list(trail)[trail[name] :], name] if name is not None else []
