"""Who of a group gets which partition. Pure; both logs of this package use it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

M = TypeVar("M", bound=Hashable)


def spread(
    wants: Mapping[M, Sequence[str]], partitions: Sequence[tuple[str, int]], current: Mapping[tuple[str, int], M]
) -> dict[tuple[str, int], M]:
    """Spread partitions evenly over members, moving as few as possible.

    Args:
        wants: Members in the order they joined, with the topics each of them reads.
        partitions: All partitions, in a fixed order.
        current: Who has them now; members that left may still be named.

    Returns:
        Owner of each partition that somebody wants. Members that want the same topics differ by one partition at most.
    """
    load = dict.fromkeys(wants, 0)
    owner: dict[tuple[str, int], M] = {}
    for pair in partitions:
        holder = current.get(pair)
        if holder is not None and holder in load and pair[0] in wants[holder]:
            owner[pair] = holder
            load[holder] += 1
    for pair in partitions:
        if pair not in owner:
            taker = _freest(pair[0], wants, load)
            if taker is not None:
                owner[pair] = taker
                load[taker] += 1
    moved = True
    while moved:
        moved = False
        for pair, holder in owner.items():
            taker = _freest(pair[0], wants, load)
            if taker is not None and load[holder] - load[taker] > 1:
                owner[pair] = taker
                load[holder] -= 1
                load[taker] += 1
                moved = True
    return owner


def _freest(topic: str, wants: Mapping[M, Sequence[str]], load: Mapping[M, int]) -> M | None:
    return min((member for member, topics in wants.items() if topic in topics), key=lambda m: load[m], default=None)
