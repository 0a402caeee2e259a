from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.topics.embedded.content import read_partition
from topics.embedded.rocks import open_embedded_log
from topics.embedded.rules import TopicRules

CHILD = Path(__file__).with_name("appending_child.py")
ROOT = Path(__file__).parents[3]
PLACES = [("a", 0), ("b", 0), ("b", 1)]
KILLS = 12


def run_until_killed(directory: Path, first: int, seed: int) -> list[tuple[str, int, int, int]]:
    """Return what the child said was acknowledged before it was killed, after a random number of lines."""
    wanted = random.Random(seed).randrange(1, 3000)
    command = [sys.executable, str(CHILD), str(directory), str(first), str(seed)]
    said: list[tuple[str, int, int, int]] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    ) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.endswith("\n"):
                topic, partition, offset, number = line.split()
                said.append((topic, int(partition), int(offset), int(number)))
            if len(said) == wanted:
                child.send_signal(signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    return said


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_process_leaves_an_exact_prefix_with_everything_acknowledged(tmp_path: Path, seed: int) -> None:
    acknowledged: dict[tuple[str, int, int], int] = {}
    first = 0
    for kill in range(KILLS // 2):
        for topic, partition, offset, number in run_until_killed(tmp_path / "log", first, seed * 1000 + kill):
            acknowledged[topic, partition, offset] = number
        log = open_embedded_log(tmp_path / "log", TopicRules({"a": 1, "b": 2}))
        stored: dict[tuple[str, int, int], int] = {}
        for place in PLACES:
            records = read_partition(log, *place)
            assert [record.offset for record in records] == list(range(len(records)))
            stored.update({(r.topic, r.partition, r.offset): int(r.value.split(b" ", 1)[0]) for r in records})
        log.close()
        assert sorted(stored.values()) == list(range(len(stored)))
        assert acknowledged.items() <= stored.items()
        first = len(stored)
    assert len(acknowledged) > KILLS
