from __future__ import annotations

import random
from collections import Counter

import pytest

from topics.embedded.assignment import spread

PAIRS = [("t", number) for number in range(12)]


@pytest.mark.parametrize("members", [1, 2, 3, 5, 12, 20])
def test_members_differ_by_one_partition_at_most(members: int) -> None:
    owners = spread({member: ["t"] for member in range(members)}, PAIRS, {})
    load = Counter(owners.values())
    counts = [load[member] for member in range(members)]
    assert sum(counts) == 12
    assert max(counts) - min(counts) <= 1


def test_a_joining_member_gets_its_share_and_nothing_else_moves() -> None:
    before = spread({"a": ["t"], "b": ["t"]}, PAIRS, {})
    after = spread({"a": ["t"], "b": ["t"], "c": ["t"]}, PAIRS, before)
    moved = [pair for pair in PAIRS if before[pair] != after[pair]]
    assert len(moved) == 4
    assert {after[pair] for pair in moved} == {"c"}


def test_a_leaving_members_partitions_move_and_nothing_else() -> None:
    before = spread({"a": ["t"], "b": ["t"], "c": ["t"]}, PAIRS, {})
    after = spread({"a": ["t"], "c": ["t"]}, PAIRS, before)
    assert all(after[pair] == before[pair] for pair in PAIRS if before[pair] != "b")
    assert Counter(after.values()) == {"a": 6, "c": 6}


def test_a_partition_goes_only_to_members_that_want_its_topic() -> None:
    pairs = [*PAIRS, ("u", 0)]
    owners = spread({"a": ["t"], "b": ["t", "u"]}, pairs, {})
    assert owners["u", 0] == "b"
    assert spread({"a": ["t"]}, pairs, {}).keys() == set(PAIRS)


def test_without_members_nobody_owns_anything() -> None:
    assert spread({}, PAIRS, {PAIRS[0]: "gone"}) == {}


def test_any_history_of_joins_and_leaves_stays_balanced() -> None:
    dice = random.Random(1)
    members: list[int] = []
    owners: dict[tuple[str, int], int] = {}
    for step in range(200):
        if members and dice.random() < 0.5:
            members.remove(dice.choice(members))
        else:
            members.append(step)
        owners = spread({member: ["t"] for member in members}, PAIRS, owners)
        load = Counter(owners.values())
        counts = [load[member] for member in members]
        assert sum(counts) == (12 if members else 0)
        assert not members or max(counts) - min(counts) <= 1
