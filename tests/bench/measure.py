"""Measures Penstock as a client meets it: a fresh server process, HTTP, the clock on the wall.

`make bench` prints one table. Each figure is the median of some rounds, with the best one beside it; a busy machine
shows in the distance between the two. `--only latency,fan` measures some of them, `--kafka HOST:PORT` on a cluster,
`--json FILE` keeps the figures for a later comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import signal
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.deploy.server import Server, started

NAMESPACE = "bench"
TRIVIAL = "io.kestra.plugin.core.debug.Return"
SHELL = "io.kestra.plugin.scripts.shell.Commands"
CLIENTS = 8
BURST = 500
SEQUENCE = 40
FAN = 1_000
PROCESSES = 20
SINGLES = 200


def flow(name: str, tasks: list[dict[str, Any]]) -> str:
    """Return a flow's source; JSON is YAML."""
    return json.dumps({"id": name, "namespace": NAMESPACE, "tasks": tasks})


def trivial(number: int) -> dict[str, Any]:
    return {"id": f"t{number}", "type": TRIVIAL, "format": "{{ flow.id }}"}


def process(number: int) -> dict[str, Any]:
    runner = {"type": "io.kestra.plugin.core.runner.Process"}
    return {"id": f"p{number}", "type": SHELL, "taskRunner": runner, "commands": ["echo hello"]}


FLOWS = {
    "one": flow("one", [trivial(0)]),
    "sequence": flow("sequence", [trivial(number) for number in range(SEQUENCE)]),
    "fan": flow(
        "fan",
        [{"id": "all", "type": "io.kestra.plugin.core.flow.Parallel", "tasks": [trivial(n) for n in range(FAN)]}],
    ),
    "shell": flow("shell", [process(number) for number in range(PROCESSES)]),
}


@dataclass
class Figure:
    """One measured thing."""

    name: str
    unit: str
    values: list[float] = field(default_factory=list)
    more_is_better: bool = False

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def best(self) -> float:
        return max(self.values) if self.more_is_better else min(self.values)


def rss_mb(server: Server) -> float:
    """Return the resident memory of the process, without its children."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1000 if found else float("nan")


def disk_mb(folder: Path) -> float:
    """Return the size of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


class Client:
    """What a client of the API does."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def save(self, source: str) -> None:
        headers = {"Content-Type": "application/x-yaml"}
        async with self._session.post(f"{self._url}/flows", data=source.encode(), headers=headers) as answer:
            assert answer.status == 200 or "exists" in await answer.text(), await answer.text()

    async def run(self, name: str) -> float:
        """Run a flow to its end; return the seconds that it took."""
        began = time.perf_counter()
        async with self._session.post(f"{self._url}/executions/{NAMESPACE}/{name}?wait=true") as answer:
            body = await answer.read()
        took = time.perf_counter() - began
        state = json.loads(body)["state"]["current"]
        assert state == "SUCCESS", body[:2000]
        return took


Measure = Callable[[Client], Awaitable[dict[str, float]]]


async def latency(client: Client) -> dict[str, float]:
    """One execution of one task at a time."""
    took = sorted([await client.run("one") for _ in range(SINGLES)])
    return {"latency p50": took[len(took) // 2] * 1000, "latency p99": took[int(len(took) * 0.99)] * 1000}


async def burst(client: Client) -> dict[str, float]:
    """Many executions of one task, by some clients at once."""
    left = iter(range(BURST))

    async def work() -> None:
        for _ in left:
            await client.run("one")

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(CLIENTS)))
    return {"throughput": BURST / (time.perf_counter() - began)}


async def sequence(client: Client) -> dict[str, float]:
    """Tasks one after the other."""
    return {"sequence": await client.run("sequence") * 1000 / SEQUENCE}


async def fan(client: Client) -> dict[str, float]:
    """Tasks all at once."""
    return {"fan": await client.run("fan")}


async def shell(client: Client) -> dict[str, float]:
    """Processes one after the other."""
    return {"shell": await client.run("shell") * 1000 / PROCESSES}


MEASURES: dict[str, tuple[Measure, int]] = {
    "latency": (latency, 3),
    "throughput": (burst, 5),
    "sequence": (sequence, 10),
    "fan": (fan, 5),
    "shell": (shell, 5),
}
FIGURES = {
    "ready": ("from start to ready", "s", False),
    "idle memory": ("resident memory, idle", "MB", False),
    "latency p50": ("one-task execution, submit to completed, p50", "ms", False),
    "latency p99": ("one-task execution, submit to completed, p99", "ms", False),
    "throughput": (f"{BURST} one-task executions by {CLIENTS} clients", "executions/s", True),
    "sequence": (f"each of {SEQUENCE} sequential trivial tasks", "ms", False),
    "fan": (f"{FAN} parallel trivial tasks", "s", False),
    "shell": ("each of sequential processes (echo)", "ms", False),
    "memory": ("resident memory, after all of it", "MB", False),
    "disk": ("on disk per 1000 executions of this mixture", "MB", False),
}


async def measure(chosen: list[str], kafka: str | None) -> dict[str, Figure]:
    """Take all figures of one server."""
    figures = {name: Figure(text, unit, [], more) for name, (text, unit, more) in FIGURES.items()}
    options = ["--kafka", kafka] if kafka else []
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory(prefix="penstock-bench-") as folder,
        started("standalone", Path(folder), *options) as running,
    ):
        figures["ready"].values.append(time.perf_counter() - began)
        figures["idle memory"].values.append(rss_mb(running))
        before = disk_mb(Path(folder))
        executions = 0
        timeout = aiohttp.ClientTimeout(total=300)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            client = Client(session, running.url)
            for source in FLOWS.values():
                await client.save(source)
            await client.run("one")
            for name in chosen:
                measured, rounds = MEASURES[name]
                for _ in range(rounds):
                    for figure, value in (await measured(client)).items():
                        figures[figure].values.append(value)
                    executions += {"latency": SINGLES, "throughput": BURST}.get(name, 1)
        figures["memory"].values.append(rss_mb(running))
        if kafka is None and executions:
            figures["disk"].values.append((disk_mb(Path(folder)) - before) * 1000 / executions)
        running.stop(signal.SIGTERM)
    return {name: figure for name, figure in figures.items() if figure.values}


def table(figures: dict[str, Figure], kafka: str | None) -> str:
    """Return the figures as Markdown."""
    log = "Kafka" if kafka else "built-in log"
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {log}"
    lines = [f"| {machine} | median | best | |", "|---|---|---|---|"]
    for figure in figures.values():
        lines.append(f"| {figure.name} | {figure.median:.3g} | {figure.best:.3g} | {figure.unit} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(MEASURES), help=f"some of {', '.join(MEASURES)}")
    parser.add_argument("--kafka", help="host:port of a broker")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    chosen = arguments.only.split(",")
    unknown = set(chosen) - set(MEASURES)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    figures = asyncio.run(measure(chosen, arguments.kafka))
    print(table(figures, arguments.kafka))
    if arguments.json:
        arguments.json.write_text(json.dumps({name: figure.values for name, figure in figures.items()}, indent=1))


if __name__ == "__main__":
    main()
