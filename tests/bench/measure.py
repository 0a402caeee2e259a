"""Measures Penstock as a client meets it: fresh server processes, HTTP, the engine's own clock for what tasks take.

`make bench` prints one table for the built-in log, where one process does everything, and one for Kafka, with a process
for each role (on a broker of its own, where Java and Kafka's jars are; `--kafka HOST:PORT` names another, `--no-kafka`
leaves it out). Beside each figure stand the machine's own
floor, measured in the same run, and what we aim at. Machines are noisy: compare figures of one run only.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp

from tests.bench import floors, runs
from tests.bench.figures import Figure, table
from tests.bench.parts import parts
from tests.bench.workloads import FLOWS
from tests.deploy.server import Server, started

KAFKA_OPTIONS = ("--set", "kafka.topic_prefix=bench.", "--set", "kafka.partitions=4")


WARM_UP = ("fan1000", "seq40") * 5


async def figures_of(running: Server, floor: dict[str, float], on_kafka: bool) -> list[Figure]:
    """Take the figures of a running server."""
    timeout = aiohttp.ClientTimeout(total=600)
    async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=64)) as session:
        client = runs.Client(session, running.url)
        for source in FLOWS.values():
            await client.save(source)
        # A broker that has just begun runs at half its speed until it has compiled its own code.
        for name in ("hello", *(WARM_UP if on_kafka else ())):
            await client.run(name)
        found = [*await runs.hello(client, floor), *await runs.sequence(client, floor, on_kafka)]
        found += [*await runs.fans(client, floor, on_kafka), *await runs.shell(client, floor)]
        if not on_kafka:
            found += await runs.loop(client, running.process.pid)
    return found


@contextlib.contextmanager
def servers(folder: Path, kafka: str | None) -> Iterator[list[Server]]:
    """Start what people would: one process on the built-in log, on Kafka one for each role; the api comes last."""
    if kafka is None:
        with started("standalone", folder) as running:
            yield [running]
        return
    options = ["--kafka", kafka, *KAFKA_OPTIONS, "--set", f"storage={folder / 'storage'}"]
    with contextlib.ExitStack() as stack:
        running_roles = []
        for role in ("executor", "worker", "api"):
            own = folder / role
            own.mkdir()
            running_roles.append(stack.enter_context(started(role, own, *options)))
        yield running_roles


def measured(floor: dict[str, float], kafka: str | None) -> list[Figure]:
    """Start servers, measure them, stop them."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder:
        began = time.perf_counter()
        with servers(Path(folder), kafka) as running:
            ready = time.perf_counter() - began
            pids = [server.process.pid for server in running]
            idle = sum(map(runs.rss_mb, pids))
            before = runs.Used.of(*pids)
            found = asyncio.run(figures_of(running[-1], floor, kafka is not None))
            used = runs.Used.of(*pids).since(before)
            after = sum(map(runs.rss_mb, pids))
            for server in running:
                server.stop(signal.SIGTERM)
    return [
        Figure("from start to ready", ready, "s", at_most=None if kafka else 2.0),
        Figure("resident memory, idle", idle, "MB", at_most=None if kafka else 150.0),
        *found,
        Figure("CPU of Penstock for all of this", used.cpu_s, "s"),
        Figure("written by Penstock for all of this", used.written_mb, "MB"),
        Figure("resident memory afterwards", after, "MB"),
    ]


@contextlib.contextmanager
def broker(named: str | None, wanted: bool) -> Iterator[str | None]:
    """Yield the address of a broker, None where there is none to be had."""
    if named is not None or not wanted:
        yield named
        return
    from tests.e2e.kafka_broker import JARS, Broker

    if not any(JARS.glob("kafka_*.jar")):
        print("Kafka is left out: run deploy/kafka/broker.sh get once, or name a broker with --kafka HOST:PORT\n")
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="penstock-bench-kafka-") as folder:
        own = Broker(Path(folder))
        try:
            yield own.address()
        finally:
            own.bury()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", help="host:port of a broker")
    parser.add_argument("--no-kafka", action="store_true", help="only the built-in log and the parts")
    arguments = parser.parse_args()
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    with tempfile.TemporaryDirectory(prefix="penstock-bench-floor-") as folder:
        floor = {"spawn": floors.spawn_ms(), "sync": floors.sync_ms(Path(folder))}
    print(table(f"the built-in log, {machine}", measured(floor, None)), flush=True)
    with broker(arguments.kafka, not arguments.no_kafka) as address:
        if address is not None:
            from deploy.cli import main as penstock

            penstock(["topics", "apply", "--kafka", address, *KAFKA_OPTIONS])
            floor["produce"] = floors.produce_ms(address, f"bench-floor-{os.getpid()}")
            print(
                table(
                    f"Kafka, a process for each role, on the same {os.cpu_count()} cores as the broker",
                    measured(floor, address),
                ),
                flush=True,
            )
    print(table(f"parts, {machine}", parts()))


if __name__ == "__main__":
    main()
