"""The built-in log and everything on it, killed at random moments and started again on the same folder."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.e2e.checker import check
from tests.e2e.cluster import SIDE, Client, Process, dice, until
from tests.e2e.kafka_broker import free_ports
from topics.embedded.rocks import open_embedded_log
from topics.embedded.rules import catalog_partitions

KILLS = 15
SUBMISSIONS = 60


@pytest.mark.timeout(300)
def test_nothing_acknowledged_is_lost_and_nothing_begins_twice_when_the_server_is_killed(tmp_path: Path) -> None:
    port = free_ports()
    data = tmp_path / "data"
    server = Process("server", "standalone", data, ["--port", str(port)])
    client = Client(f"127.0.0.1:{port}")
    client.save_all(tmp_path / SIDE)
    client.start(SUBMISSIONS, 0.1)
    rnd, pulse = dice(), threading.Event()
    for _ in range(KILLS):
        pulse.wait(1.2 + rnd.random() * 1.2)
        server.kill()
        server.start()
    until(lambda: len(client.acknowledged) == SUBMISSIONS, 60, server.last_words)
    until(lambda: all(map(client.is_over, client.acknowledged)), 120, server.last_words)
    client.stop()
    server.kill()

    log = open_embedded_log(data / "log", catalog_partitions(1))
    try:
        observer = check(log, client.acknowledged, tmp_path / SIDE)
    finally:
        log.close()
    assert len(observer.created) == 2 * SUBMISSIONS
