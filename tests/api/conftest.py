"""Worlds for the API's tests: a log in a folder, steps written by hand or by a real executor, and a client."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from api.flow_texts import FlowTexts
from api.projections import tables
from api.projections.database import Database
from api.projections.sqlite import SqliteDatabase
from api.projections.tail import rebuild
from api.settings import ApiSettings
from engine.machine import Event
from topics import catalog, serde
from topics.embedded.rocks import EmbeddedLog, open_embedded_log
from topics.embedded.rules import catalog_partitions
from topics.messages import Cause, Claim, Step


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    opened = open_embedded_log(tmp_path / "log", catalog_partitions(2))
    yield opened
    opened.close()


class Steps:
    """Writes claims and steps of one kind of aggregate as an executor would."""

    def __init__(self, log: EmbeddedLog, kind: str = "executions", decoded: bool = True) -> None:
        self._writer = log.writer()
        self._kind = kind
        self._topic = catalog.events_of(kind)
        self._partitions = log.partitions(self._topic)
        self.decoded = decoded
        self._epochs: dict[int, int] = {}
        self._n: dict[int, int] = {}
        self._seqs: dict[str, int] = {}

    def claim(self, partition: int = 0, epoch: int | None = None) -> None:
        epoch = self._epochs.get(partition, 0) + 1 if epoch is None else epoch
        self._epochs[partition] = max(epoch, self._epochs.get(partition, 0))
        self._append(partition, b"", Claim(epoch=epoch, owner=f"owner-{epoch}"))

    def step(self, id: str, *events: Event, request: str = "", epoch: int | None = None, n: int | None = None) -> Step:
        partition = catalog.partition_of(id.encode(), self._partitions)
        if partition not in self._epochs:
            self.claim(partition)
        step = Step(
            epoch=self._epochs[partition] if epoch is None else epoch,
            n=self._n.get(partition, 0) if n is None else n,
            cause=Cause(kind="inbox", offset=0, request=request),
            id=id,
            seq=self._seqs.get(id, 0),
            at_ms=1_700_000_000_000,
            namespace="demo",
            flow="hello",
            revision=1,
            events=events,
        )
        if epoch is None and n is None:
            self._n[partition] = step.n + 1
            self._seqs[id] = step.seq + len(events)
        self._append(partition, id.encode(), step)
        return step

    def again(self, step: Step) -> None:
        """Write a step a second time, as a zombie would."""
        self._append(catalog.partition_of(step.id.encode(), self._partitions), step.id.encode(), step)

    def _append(self, partition: int, key: bytes, message: Any) -> None:
        value = serde.encode_step(self._kind, message) if isinstance(message, Step) else serde.encode(message)
        self._writer.append(self._topic, partition, key, value, message=message if self.decoded else None)
        while self._writer.outstanding:
            self._writer.poll(1.0)


@pytest.fixture
def steps(log: EmbeddedLog) -> Steps:
    return Steps(log)


@pytest.fixture
def flow_steps(log: EmbeddedLog) -> Steps:
    return Steps(log, "flows")


@pytest.fixture
def send(log: EmbeddedLog) -> Callable[[str, str, msgspec.Struct], None]:
    """Appends a message to a topic and waits until it lies there."""

    def append(topic: str, key: str, message: msgspec.Struct) -> None:
        writer = log.writer()
        partition = catalog.partition_of(key.encode(), log.partitions(topic))
        writer.append(topic, partition, key.encode(), serde.encode(message))
        while writer.outstanding:
            writer.poll(1.0)

    return append


def empty(database: Database) -> None:
    connection = database.writer()
    for name in tables.NAMES:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.close()


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    if request.param == "sqlite":
        made: Database = SqliteDatabase(tmp_path / "views.db")
    else:
        from api.projections.postgres import PostgresDatabase

        made = PostgresDatabase(request.getfixturevalue("postgres"))
        empty(made)
    made.prepare()
    return made


@pytest.fixture
def fold(log: EmbeddedLog, database: Database) -> Callable[[], dict[str, int]]:
    """Folds what is new in the log into the views, now."""
    return lambda: rebuild(log, database, FlowTexts().facts)


class MemoryStorage:
    """Keeps files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    async def put(
        self, execution_id: str, name: str, data: AsyncIterator[bytes], *, namespace: str, flow_id: str
    ) -> str:
        path = f"{namespace.replace('.', '/')}/{flow_id}/executions/{execution_id}/{name}"
        self.files[f"kestra:///{path}"] = b"".join([piece async for piece in data])
        return f"kestra:///{path}"

    async def get(self, uri: str) -> AsyncIterator[bytes]:
        if uri not in self.files:
            raise FileNotFoundError(uri)

        async def pieces() -> AsyncIterator[bytes]:
            yield self.files[uri]

        return pieces()

    async def size(self, uri: str) -> int:
        if uri not in self.files:
            raise FileNotFoundError(uri)
        return len(self.files[uri])

    async def put_in_namespace(self, namespace: str, path: str, data: AsyncIterator[bytes]) -> str:
        uri = self.uri_in_namespace(namespace, path)
        self.files[uri] = b"".join([piece async for piece in data])
        return uri

    def uri_in_namespace(self, namespace: str, path: str) -> str:
        if ".." in path:
            raise ValueError(f"Expected a path without '..', but got {path!r}")
        return f"kestra:///{namespace.replace('.', '/')}/_files/{path}"

    async def paths_in_namespace(self, namespace: str, most: int) -> list[str]:
        below = self.uri_in_namespace(namespace, "")
        return sorted(uri.removeprefix(below) for uri in self.files if uri.startswith(below))[:most]

    async def remove(self, uri: str) -> None:
        if self.files.pop(uri, None) is None:
            raise FileNotFoundError(uri)


class Reply:
    """An answer that was read whole."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Api:
    """A running API and a client of it; `run` runs a coroutine in its loop."""

    def __init__(
        self, log: EmbeddedLog, settings: ApiSettings, storage: MemoryStorage | None, seal: Any, keys: Any = None
    ) -> None:
        self._runner = asyncio.Runner()
        self.storage = storage
        self._make = lambda: create_app(log, settings, storage, keys=keys, seal=seal)

    def __enter__(self) -> Api:
        self._runner.__enter__()

        async def start() -> TestClient[Any, Any]:
            client = TestClient(TestServer(self._make()))
            await client.start_server()
            return client

        self.client = self.run(start())
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.client.close())
        self._runner.__exit__(None, None, None)

    def run(self, work: Any) -> Any:
        return self._runner.run(work)

    def call(self, method: str, path: str, **options: Any) -> Reply:
        return self.run(self.acall(method, path, **options))

    async def acall(self, method: str, path: str, **options: Any) -> Reply:
        address = path[1:] if path.startswith("//") else "/api/v1/main" + path
        async with self.client.request(method, address, allow_redirects=False, **options) as answer:
            return Reply(answer.status, answer.headers, await answer.read())

    def get(self, path: str, **options: Any) -> Reply:
        return self.call("GET", path, **options)

    def post(self, path: str, **options: Any) -> Reply:
        return self.call("POST", path, **options)

    def save(self, source: str) -> Any:
        reply = self.post("/flows", data=source.encode())
        assert reply.status == 200, reply.text
        return reply.json


@pytest.fixture
def settings(tmp_path: Path) -> ApiSettings:
    return ApiSettings(views=f"sqlite:{tmp_path / 'views.db'}", follow_interval_s=0.0, heartbeat_s=0.0)


@pytest.fixture
def api(log: EmbeddedLog, settings: ApiSettings) -> Iterator[Api]:
    """An API with nobody behind it: commands are not carried out."""
    with Api(log, msgspec.structs.replace(settings, command_timeout_s=0.05), MemoryStorage(), None) as made:
        yield made


@pytest.fixture
def executor(log: EmbeddedLog) -> Iterator[Any]:
    from executor.loop import Clocks, Executor, ExecutorSettings
    from executor.state.memory import MemoryStore

    clocks = Clocks(now_ms=lambda: time.time_ns() // 1_000_000, monotonic_ms=lambda: time.monotonic_ns() // 1_000_000)
    made = Executor(log, MemoryStore(), ExecutorSettings(name="test"), clocks)
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    yield made
    made.stop()
    thread.join()


@pytest.fixture
def server(log: EmbeddedLog, settings: ApiSettings, executor: Any) -> Iterator[Api]:
    """An API with an executor behind it."""
    with Api(log, settings, MemoryStorage(), lambda text: {"sealed": text[::-1]}) as made:
        yield made
