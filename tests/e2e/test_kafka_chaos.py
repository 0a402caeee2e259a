"""Executors and workers on a real broker: killed, frozen and woken at random under load, the broker restarted."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from deploy import cli
from tests.e2e.checker import check
from tests.e2e.cluster import SIDE, Client, Process, dice, until
from tests.e2e.kafka_broker import free_ports
from topics.kafka.log import open_kafka_log
from topics.kafka.settings import KafkaSettings

KILLS = 30
SUBMISSIONS = 150
LEASE_S = 15.0


def options(settings: KafkaSettings) -> list[str]:
    prefix = f"kafka.topic_prefix={settings.prefix}"
    return ["--kafka", settings.bootstrap, "--set", prefix, "--set", f"kafka.partitions={settings.partitions}"]


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_applied_or_begun_twice_whatever_is_killed(tmp_path: Path, spare_broker: Any) -> None:
    settings = KafkaSettings(bootstrap=spare_broker.address(), prefix="chaos.", partitions=4)
    cluster = options(settings)
    assert cli.main(["topics", "apply", *cluster]) == 0
    port = free_ports()
    members = [
        *(Process(f"executor{i}", "executor", tmp_path / f"executor{i}", cluster) for i in range(2)),
        *(Process(f"worker{i}", "worker", tmp_path / f"worker{i}", cluster) for i in range(2)),
    ]
    api = Process("api", "api", tmp_path / "api", [*cluster, "--port", str(port)])
    client = Client(f"127.0.0.1:{port}")
    client.save_all(tmp_path / SIDE)
    client.start(SUBMISSIONS, 0.3)
    rnd, pulse = dice(), threading.Event()
    for kill in range(KILLS):
        pulse.wait(0.5 + rnd.random() * 1.5)
        victim = rnd.choice(members)
        victim.kill()
        victim.start()
        if kill == KILLS // 3:
            _freeze(members[-1], LEASE_S + 2, pulse)
        elif kill == KILLS // 2:
            spare_broker.run("restart", "1")
        elif kill == 2 * KILLS // 3:
            _freeze(members[0], 8, pulse)
    for member in [*members, api]:
        if not member.alive:
            member.start()

    def words() -> str:
        return "\n".join(f"--- {member.name}\n{member.last_words()}" for member in [*members, api])

    until(lambda: len(client.acknowledged) == SUBMISSIONS, 120, words)
    until(lambda: all(map(client.is_over, client.acknowledged)), 200, words)
    client.stop()
    for member in [*members, api]:
        member.kill()

    log = open_kafka_log(settings)
    try:
        observer = check(log, client.acknowledged, tmp_path / SIDE)
    finally:
        log.close()
    assert len(observer.created) == 2 * SUBMISSIONS


def _freeze(process: Process, seconds: float, pulse: threading.Event) -> None:
    """Stop a process for longer than the others wait for it, so that it comes back as a zombie."""
    process.freeze()
    pulse.wait(seconds)
    process.wake()
