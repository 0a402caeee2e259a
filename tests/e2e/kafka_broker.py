"""Fixtures: real Kafka brokers, and settings that keep each test to topics of its own.

`PENSTOCK_KAFKA` names a broker (`host:port`) to use. Without it one is started from Kafka's jars, on a free port, for
this run only. Where that can't be done, tests that need a broker are skipped, and are errors where `CI` is set.
"""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from topics.kafka.client import AdminClient
from topics.kafka.settings import KafkaSettings, client_properties

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy" / "kafka" / "broker.sh"
JARS = ROOT / ".kafka" / "lib"
OFFSETS = (0, 100, 200, 300, 400)
"""The ports of a node, from its first; see the script."""


class Broker:
    """A cluster of one node, made by `deploy/kafka/broker.sh`, that is gone when this process is, however it ends."""

    def __init__(self, directory: Path, **settings: str) -> None:
        self.directory = directory
        self.port = free_ports()
        self._environ = {
            **os.environ,
            "KAFKA_ENGINE": "jvm",
            "KAFKA_DIR": str(directory),
            "KAFKA_JARS": str(JARS),
            "KAFKA_PORT": str(self.port),
            "KAFKA_HEAP": "384m",
            **settings,
        }
        # It waits for the other end of this pipe to be closed: by us, or by the kernel.
        self._undertaker = subprocess.Popen(
            ["bash", "-c", 'read -r _; exec "$0" wipe', str(SCRIPT)],
            env=self._environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.run("up")

    def run(self, *arguments: str) -> str:
        done = subprocess.run(
            [str(SCRIPT), *arguments], env=self._environ, capture_output=True, text=True, check=False, timeout=100
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def address(self, offset: int = 0) -> str:
        return f"127.0.0.1:{self.port + offset}"

    def secret(self, name: str) -> str:
        """Return the path of a file that the script made for its TLS and SASL listeners."""
        return str(self.directory / "secrets" / name)

    def bury(self) -> None:
        assert self._undertaker.stdin is not None
        self._undertaker.stdin.close()
        self._undertaker.wait(60)


def free_ports() -> int:
    """Return a port that is free together with the others of a node."""
    for _ in range(100):
        first = random.randrange(20_000, 30_000)
        if all(is_free(first + offset) for offset in OFFSETS):
            return first
    raise AssertionError("no free ports on the loopback")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def no_broker(reason: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def need_jars() -> None:
    missing = [name for name in ("bash", "java", "mvn", "openssl") if shutil.which(name) is None]
    if missing:
        no_broker(f"no Kafka broker: {', '.join(missing)} missing, and PENSTOCK_KAFKA names none")
    if not any(JARS.glob("kafka_*.jar")):
        no_broker("no Kafka broker: run deploy/kafka/broker.sh get once, or name one in PENSTOCK_KAFKA")


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker that all tests share; none may stop it."""
    given = os.environ.get("PENSTOCK_KAFKA")
    if given:
        yield given
        return
    need_jars()
    broker = Broker(tmp_path_factory.mktemp("kafka"))
    yield broker.address()
    broker.bury()


@pytest.fixture(scope="session")
def spare_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that tests may stop and start; with SASL and TLS listeners, and without share groups."""
    need_jars()
    broker = Broker(tmp_path_factory.mktemp("spare"), KAFKA_SECURE="1", KAFKA_FEATURES="share.version=0")
    yield broker
    broker.bury()


@pytest.fixture
def kafka_settings(kafka_bootstrap: str) -> Iterator[KafkaSettings]:
    """Settings with a prefix that no other test has."""
    settings = KafkaSettings(bootstrap=kafka_bootstrap, prefix=fresh_prefix(), partitions=2, replication=1)
    yield settings
    if "PENSTOCK_KAFKA" in os.environ:
        remove_topics(settings)


def fresh_prefix() -> str:
    return f"test-{uuid.uuid4().hex[:12]}."


def remove_topics(settings: KafkaSettings) -> None:
    admin = AdminClient(client_properties(settings))
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(settings.prefix)]
    if names:
        for future in admin.delete_topics(names).values():
            future.result(30)
