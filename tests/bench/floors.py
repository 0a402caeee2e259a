"""What the machine itself takes for the things that no engine can do without, measured in the same run."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROUNDS = 200
SPAWNS = 50
ADDITIONS = 1_000_000


def median_ms(act: Callable[[], object], rounds: int) -> float:
    """Return the median of some rounds, in milliseconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took)


def spawn_ms() -> float:
    """Return what a bare process costs whose output is read: the least that a shell task can cost."""
    return median_ms(
        lambda: subprocess.run(["/bin/sh", "-c", "echo hello"], stdout=subprocess.PIPE, check=True), SPAWNS
    )


def additions() -> float:
    """Return how many million additions Python makes in a second: what bounds everything that isn't waiting.

    Machines that others use too halve and double it within minutes.
    """
    began = time.perf_counter()
    total = 0
    for number in range(ADDITIONS):
        total += number
    return ADDITIONS / 1e6 / (time.perf_counter() - began)


def sync_ms(folder: Path) -> float:
    """Return what it costs to append 300 bytes to a file and have them on disk."""
    with tempfile.TemporaryFile(dir=folder) as file:

        def append() -> None:
            file.write(b"x" * 300)
            file.flush()
            os.fdatasync(file.fileno())

        return median_ms(append, ROUNDS)


def produce_ms(bootstrap: str, topic: str) -> float:
    """Return what one acknowledged record costs: the round trip of a bare producer."""
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30)
    producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "linger.ms": 0})

    def produce() -> None:
        producer.produce(topic, b"x" * 300, partition=0)
        producer.flush(10)

    produce()
    return median_ms(produce, ROUNDS)
