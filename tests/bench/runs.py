"""Running the workloads over HTTP, and reading what they took from the executions themselves."""

from __future__ import annotations

import asyncio
import json
import os
import re
import statistics
import time
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.figures import Figure
from tests.bench.floors import additions
from tests.bench.workloads import BURST, CLIENTS, NAMESPACE, PROCESSES, SEQUENCE

ROUNDS = 5
LARGE_ROUNDS = 3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Used:
    """What processes have used so far."""

    cpu_s: float
    written_mb: float

    @classmethod
    def of(cls, *pids: int) -> Used:
        """Read it from the kernel's books; processes that they started and awaited count."""
        cpu_s = written_mb = 0.0
        for pid in pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            cpu_s += sum(map(int, fields[11:15])) / TICKS
            written = re.search(r"^write_bytes: (\d+)", Path(f"/proc/{pid}/io").read_text(), re.MULTILINE)
            written_mb += int(written[1]) / 1e6 if written else float("nan")
        return cls(cpu_s, written_mb)

    def since(self, before: Used) -> Used:
        """Return what was used since then."""
        return Used(self.cpu_s - before.cpu_s, self.written_mb - before.written_mb)


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process, without its children."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1000 if found else float("nan")


class Client:
    """What a client of the API does."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def save(self, source: str) -> None:
        """Save a flow."""
        headers = {"Content-Type": "application/x-yaml"}
        async with self._session.post(f"{self._url}/flows", data=source.encode(), headers=headers) as answer:
            assert answer.status == 200 or "exists" in await answer.text(), await answer.text()

    async def run(self, name: str) -> dict[str, Any]:
        """Run a flow to its end and return the execution."""
        async with self._session.post(f"{self._url}/executions/{NAMESPACE}/{name}?wait=true") as answer:
            body = await answer.read()
        execution: dict[str, Any] = json.loads(body)
        assert execution["state"]["current"] == "SUCCESS", body[:2000]
        return execution

    async def submit(self, name: str) -> None:
        """Start an execution; the answer comes when it is created for good."""
        async with self._session.post(f"{self._url}/executions/{NAMESPACE}/{name}") as answer:
            assert answer.status == 200, await answer.text()

    async def took_s(self, name: str) -> float:
        """Return the time that the last execution of a flow took, without reading its task runs."""
        query = (
            f"filters[flowId][EQUALS]={name}&filters[namespace][EQUALS]={NAMESPACE}&size=1&sort=state.startDate:desc"
        )
        async with self._session.get(f"{self._url}/executions/search?{query}") as answer:
            execution = (await answer.json())["results"][0]
        assert execution["state"]["current"] == "SUCCESS", execution
        return took_s(execution)

    async def running(self) -> int:
        """Return how many executions aren't over."""
        async with self._session.get(f"{self._url}/executions/search?state=CREATED&state=RUNNING&size=1") as answer:
            return int((await answer.json())["total"])


def took_s(execution: dict[str, Any]) -> float:
    """Return the time from an execution's start to its end, by the engine's clock."""
    state = execution["state"]
    return (_time(state["endDate"]) - _time(state["startDate"])).total_seconds()


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def hello(client: Client, floor: dict[str, float]) -> list[Figure]:
    """One pure task: one at a time, and many at once."""
    took = []
    for _ in range(200):
        began = time.perf_counter()
        await client.run("hello")
        took.append((time.perf_counter() - began) * 1000)
    left = iter(range(BURST))

    async def submit() -> None:
        for _ in left:
            await client.submit("hello")

    began = time.perf_counter()
    await asyncio.gather(*(submit() for _ in range(CLIENTS)))
    submitted = time.perf_counter() - began
    while await client.running():
        await asyncio.sleep(0.01)
    over = time.perf_counter() - began
    floors = _floor(floor)
    return [
        Figure("hello, submitted to completed, p50", percentile(took, 0.5), "ms", floors),
        Figure("hello, submitted to completed, p99", percentile(took, 0.99), "ms", floors),
        Figure(f"hello, submissions by {CLIENTS} clients", BURST / submitted, "/s", floors),
        Figure(f"hello, executed, by {CLIENTS} clients", BURST / over, "/s"),
    ]


def _floor(floor: dict[str, float]) -> str:
    return f"produce {floor['produce']:.2f} ms" if "produce" in floor else f"sync {floor['sync']:.2f} ms"


async def sequence(client: Client, floor: dict[str, float], on_kafka: bool) -> list[Figure]:
    """Worker tasks one after the other."""
    gaps: list[float] = []
    means: list[float] = []
    for _ in range(2 * ROUNDS):
        execution = await client.run("seq40")
        means.append(took_s(execution) * 1000 / SEQUENCE)
        ends = sorted(_time(run["state"]["histories"][-1]["date"]) for run in execution["taskRunList"])
        gaps += [(after - before).total_seconds() * 1000 for before, after in pairwise(ends)]
    aim = 10.0 if on_kafka else 3.0
    return [
        Figure("seq40, per worker task, p50", statistics.median(means), "ms", _floor(floor), at_most=aim),
        Figure("seq40, per worker task, p99", percentile(gaps, 0.99), "ms", _floor(floor)),
    ]


async def fans(client: Client, floor: dict[str, float], on_kafka: bool) -> list[Figure]:
    """Loops whose values run at once, at the worker and in the engine."""
    smalls: list[float] = []
    larges: list[float] = []
    ratios: list[float] = []
    speeds: list[float] = []
    for _ in range(LARGE_ROUNDS):
        # Machines change their speed within a minute: each large one is compared with small ones right beside it.
        speeds.append(additions())
        beside = [took_s(await client.run("fan1000")) for _ in range(2)]
        larges.append(took_s(await client.run("fan10000")))
        beside += [took_s(await client.run("fan1000")) for _ in range(2)]
        ratios.append(larges[-1] / statistics.median(beside))
        smalls += beside
    small, large = statistics.median(smalls), statistics.median(larges)
    pure = took_s(await client.run("pure10000"))
    aim = 1_000.0 if on_kafka else 2_000.0
    speed = f"Python {statistics.median(speeds):.0f} M additions/s"
    return [
        Figure("fan1000, worker task runs", 1_000 / small, "/s", speed, at_least=aim),
        Figure("fan10000, worker task runs", 10_000 / large, "/s", speed, at_least=aim),
        Figure("fan10000 over fan1000", statistics.median(ratios), "times", at_most=11.0),
        Figure("fan10000, pure task runs", 10_000 / pure, "/s", at_least=None if on_kafka else 8_000.0),
    ]


async def shell(client: Client, floor: dict[str, float]) -> list[Figure]:
    """Processes one after the other."""
    each = statistics.median([took_s(await client.run("shell10")) * 1000 / PROCESSES for _ in range(ROUNDS)])
    spawn = floor["spawn"]
    return [
        Figure("shell10, per process task", each, "ms", f"spawn {spawn:.2f} ms"),
        Figure("shell10, beyond a bare spawn", each - spawn, "ms", at_most=3.0),
    ]


async def loop(client: Client, pid: int) -> list[Figure]:
    """A loop of 100,000 items: linear in time, flat in memory."""
    before = rss_mb(pid)
    most = before
    await client.submit("loop100000")
    while await client.running():
        most = max(most, rss_mb(pid))
        await asyncio.sleep(0.2)
    took = await client.took_s("loop100000")
    return [
        Figure("loop of 100,000 items, pure task runs", 100_000 / took, "/s"),
        Figure("loop of 100,000 items, memory on top", most - before, "MB"),
    ]
