"""Groups and job places of the simulator's log: who owns what, and who believes so.

Owns ownership; the two differ on purpose once `reassign` doesn't tell the old owner.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from topics.embedded.assignment import spread
from topics.ports import LogError, Record

Pair = tuple[str, int]


class Member(Protocol):
    """What a group needs of a member."""

    @property
    def member(self) -> str:
        """Name of the simulated process."""
        ...

    owned: dict[Pair, None]
    """What the member believes to own."""

    def __hash__(self) -> int: ...


class Group:
    """Members and owners of one group.

    Args:
        count: Tells how many partitions a topic has.
    """

    def __init__(self, count: Callable[[str], int]) -> None:
        self._count = count
        self._members: dict[Member, Sequence[str]] = {}
        self._target: dict[Pair, Member] = {}
        self._owner: dict[Pair, Member] = {}
        self._untold: set[tuple[Pair, Member]] = set()
        """Partitions that were given away, with old owners who don't know."""
        self.hints: dict[Pair, int] = {}

    def join(self, member: Member, topics: Sequence[str]) -> None:
        """Add a member and spread partitions anew."""
        for topic in topics:
            self._count(topic)
        self._members[member] = tuple(topics)
        self._spread()

    def leave(self, member: Member) -> None:
        """Remove a member; what it owned is free at once."""
        if self._members.pop(member, None) is not None:
            self._owner = {pair: owner for pair, owner in self._owner.items() if owner is not member}
            self._spread()

    def reassign(self, owners: Mapping[str, Sequence[Pair]], tell_old: bool) -> None:
        """Give partitions to members by name. Raises LogError for a name that isn't in the group."""
        by_name = {member.member: member for member in self._members}
        if tell_old:
            self._untold.clear()
        for name, pairs in owners.items():
            if name not in by_name:
                raise LogError(f"{name!r} isn't a member of the group.")
            for pair in pairs:
                self._target[pair] = by_name[name]
                old = self._owner.get(pair)
                if old is not None and old is not by_name[name] and not tell_old:
                    del self._owner[pair]
                    self._untold.add((pair, old))

    def due(self, member: Member) -> list[Pair]:
        """Return partitions that the member believes to own and is to give up now."""
        return [p for p in member.owned if self._target.get(p) is not member and (p, member) not in self._untold]

    def release(self, member: Member, pairs: Sequence[Pair]) -> None:
        """The member gave these up."""
        for pair in pairs:
            if self._owner.get(pair) is member:
                del self._owner[pair]

    def claim(self, member: Member) -> list[Pair]:
        """Return partitions that are the member's from now on."""
        free = [p for p, target in self._target.items() if target is member and p not in self._owner]
        for pair in free:
            self._owner[pair] = member
            self._untold.discard((pair, member))
        return free

    def _spread(self) -> None:
        self._untold.clear()
        topics = sorted({topic for wanted in self._members.values() for topic in wanted})
        pairs = [(topic, number) for topic in topics for number in range(self._count(topic))]
        self._target = spread(self._members, pairs, self._owner)


class JobPlaces:
    """Where one group stands in one job topic, and what will be delivered again."""

    def __init__(self, places: dict[Pair, int]) -> None:
        self.places = places
        self.again: deque[Record] = deque()
        self.turn = 0
