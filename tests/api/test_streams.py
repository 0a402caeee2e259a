"""Following: no gap, no line twice, an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from api.projections.batch import Batch, ExecutionChange
from api.projections.fan_out import FanOut, Follower, Overflow
from engine.execution import events as e
from engine.values import State
from topics.messages import LogEntry

T = 1_700_000_000_000


async def frames(answer: Any) -> AsyncIterator[tuple[str, Any]]:
    """Yield id and data of each frame; heartbeats are left out."""
    name = ""
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("id: "):
            name = line[4:]
        elif line.startswith("data: "):
            yield name, msgspec.json.decode(line[6:])


def created() -> e.ExecutionCreated:
    return e.ExecutionCreated(namespace="demo", flow_id="hello", revision=1, at_ms=T, original_id="e1")


def entry(number: int, level: str = "INFO") -> LogEntry:
    return LogEntry(
        id=f"r/1/{number}",
        execution_id="e1",
        namespace="demo",
        flow_id="hello",
        task_id="t",
        task_run_id="r",
        attempt=0,
        at_ms=T + number,
        level=level,
        thread="w",
        message=f"line {number}",
        number=number,
    )


@pytest.fixture
def known(api: Any, steps: Any) -> Callable[[], None]:
    """Writes an execution and returns when the views have it."""

    def write() -> None:
        steps.step("e1", created())
        while api.get("/executions/e1").status != 200:
            pass

    return write


def test_an_execution_is_followed_to_its_settled_end(api: Any, steps: Any, known: Callable[[], None]) -> None:
    known()

    async def follow() -> list[tuple[str, str]]:
        seen = []
        async with api.client.get("/api/v1/main/executions/e1/follow") as answer:
            assert answer.headers["Content-Type"].startswith("text/event-stream")
            assert answer.headers["X-Accel-Buffering"] == "no"
            async for name, data in frames(answer):
                state = data.get("state", {}).get("current", "")
                seen.append((name, state))
                if (name, state) == ("progress", "CREATED"):
                    steps.step("e1", e.ExecutionStateChanged(state=State.RUNNING, at_ms=T))
                elif (name, state) == ("progress", "RUNNING"):
                    steps.step("e1", e.ExecutionEnded(state=State.SUCCESS, at_ms=T))
                elif (name, state) == ("progress", "SUCCESS"):
                    steps.step("e1", e.ExecutionSettled(at_ms=T))
        return seen

    assert api.run(follow()) == [
        ("start", ""),
        ("progress", "CREATED"),
        ("progress", "RUNNING"),
        ("progress", "SUCCESS"),
        ("end", "SUCCESS"),
    ]


def test_following_an_ended_execution_ends_at_once(api: Any, steps: Any) -> None:
    steps.step("e1", created(), e.ExecutionEnded(state=State.FAILED, at_ms=T), e.ExecutionSettled(at_ms=T))
    while api.get("/executions/e1").status != 200:
        pass

    async def follow() -> list[str]:
        async with api.client.get("/api/v1/main/executions/e1/follow") as answer:
            return [name async for name, _ in frames(answer)]

    assert api.run(follow()) == ["start", "end"]


def test_log_lines_are_followed_once_each_stored_and_new(
    api: Any, steps: Any, send: Any, known: Callable[[], None]
) -> None:
    known()
    send("logs", "e1", entry(1))
    while len(api.get("/logs/e1").json) < 1:
        pass

    async def follow() -> list[str]:
        seen = []
        async with api.client.get("/api/v1/main/logs/e1/follow?minLevel=INFO") as answer:
            async for name, data in frames(answer):
                seen.append(data.get("message", name))
                if data.get("message") == "line 1":
                    for message in (entry(1), entry(2, "DEBUG"), entry(3)):
                        send("logs", "e1", message)
                elif data.get("message") == "line 3":
                    line = e.LogLine(level="WARN", message="the engine's")
                    steps.step(
                        "e1",
                        e.TaskRunDecided(
                            task_run_id="r", task_id="t", scope_id="s", state=State.SUCCESS, at_ms=T, logs=(line,)
                        ),
                        e.ExecutionEnded(state=State.SUCCESS, at_ms=T),
                        e.ExecutionSettled(at_ms=T),
                    )
        return seen

    assert api.run(follow()) == ["start", "line 1", "line 3", "the engine's", "end"]


def test_many_followers_of_a_busy_execution_all_see_its_end(api: Any, steps: Any, known: Callable[[], None]) -> None:
    known()

    async def follow(first: asyncio.Event) -> tuple[str, int]:
        async with api.client.get("/api/v1/main/executions/e1/follow") as answer:
            last: tuple[str, int] = ("", 0)
            async for name, data in frames(answer):
                last = (name, len(data.get("taskRunList", ())))
                first.set()
            return last

    def write() -> None:
        for number in range(50):
            run = e.TaskRunDecided(task_run_id=f"r{number}", task_id="t", scope_id="s", state=State.SUCCESS, at_ms=T)
            steps.step("e1", run)
        steps.step("e1", e.ExecutionEnded(state=State.SUCCESS, at_ms=T), e.ExecutionSettled(at_ms=T))

    async def all_of_them() -> list[tuple[str, int]]:
        signs = [asyncio.Event() for _ in range(8)]
        followers = [asyncio.ensure_future(follow(sign)) for sign in signs]
        await asyncio.gather(*(sign.wait() for sign in signs))
        await asyncio.to_thread(write)
        return await asyncio.gather(*followers)

    assert api.run(all_of_them()) == [("end", 50)] * 8


def test_one_stream_more_than_allowed_is_429(log: Any, settings: Any, steps: Any) -> None:
    from tests.api.conftest import Api

    with Api(log, msgspec.structs.replace(settings, followers_max=0), None, None) as api:
        assert api.get("/executions/e1/follow").status == 429


def test_a_follower_that_is_too_slow_is_told_so() -> None:
    follower = Follower(2)
    row: Any = ("e1",)
    follower.tell(1, [row, row])
    assert follower.take_lines() == [row, row]
    follower.tell(2, [row, row, row])
    with pytest.raises(Overflow):
        follower.take_lines()


def test_news_published_before_anybody_listens_is_nobodys(steps: Any) -> None:
    fan_out = FanOut()
    batch = Batch()
    batch.executions["e1"] = ExecutionChange("e1", 0)
    batch.answers.append(("request", None))
    fan_out.publish(batch)

    async def listen() -> bool:
        fan_out.attach(asyncio.get_running_loop())
        with fan_out.follow("e1") as news, fan_out.expect("request") as answer:
            heard = await news.wait(0)
            fan_out.publish(batch)
            assert await news.wait(10)
            await answer
            return heard

    assert asyncio.run(listen()) is False
    assert fan_out.following == 0


def test_a_stream_ends_when_the_server_stops(log: Any, settings: Any, steps: Any) -> None:
    from tests.api.conftest import Api

    steps.step("e1", created())
    with Api(log, settings, None, None) as api:
        while api.get("/executions/e1").status != 200:
            pass

        async def follow() -> list[str]:
            async with api.client.get("/api/v1/main/executions/e1/follow") as answer:
                seen = []
                async for name, _ in frames(answer):
                    seen.append(name)
                    if name == "progress":
                        await api.client.server.app.shutdown()
                return seen

        assert api.run(follow()) == ["start", "progress"]
