"""`penstock views rebuild` on data folders of servers that ran, and beside an API that runs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from api.flow_texts import FlowTexts
from api.projections import tables
from api.projections.fan_out import FanOut
from api.projections.group import GroupTail
from api.projections.postgres import PostgresDatabase
from api.projections.sqlite import SqliteDatabase
from api.projections.tail import Tail
from deploy import cli
from deploy.open_log import open_log
from deploy.settings import Settings
from deploy.view_commands import rebuild_file, rebuild_tables
from tests.deploy.server import FLOW, Server, started

RUN = ("/executions/demo/hello?wait=true", b"name=Ada", "application/x-www-form-urlencoded")


def run_some(server: Server, executions: int = 3) -> None:
    server.call("/flows", FLOW, "application/x-yaml")
    for _ in range(executions):
        assert server.call(*RUN)["state"]["current"] == "SUCCESS"


@pytest.fixture
def used(tmp_path: Path) -> Path:
    """The data folder of a server that ran three executions."""
    with started("standalone", tmp_path) as server:
        run_some(server)
        assert server.stop(signal.SIGTERM) == 0
    return tmp_path


@pytest.fixture
def empty_postgres(postgres: str) -> Iterator[str]:
    """Its address, without views."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        for name in tables.NAMES:
            connection.execute(f"DROP TABLE IF EXISTS {name}".encode())
    yield postgres


def contents(database: SqliteDatabase | PostgresDatabase) -> dict[str, list[tuple[object, ...]]]:
    connection = database.reader()
    try:
        return {name: sorted(connection.query(f"SELECT * FROM {name}"), key=repr) for name in tables.NAMES}
    finally:
        connection.close()


@pytest.mark.parametrize("spoilt", ["as they were", "gone", "no database", "behind"])
def test_views_in_a_file_come_back_as_they_were(used: Path, spoilt: str, capsys: pytest.CaptureFixture[str]) -> None:
    views = SqliteDatabase(used / "views.sqlite")
    before = contents(views)
    if spoilt == "gone":
        views.remove()
    elif spoilt == "no database":
        views.remove()
        (used / "views.sqlite").write_bytes(b"nonsense" * 1_000)
    elif spoilt == "behind":
        connection = views.writer()
        connection.execute("DELETE FROM executions")
        connection.close()

    assert cli.main(["views", "rebuild", "--data", str(used)]) == 0

    assert "records of executions.events" in capsys.readouterr().out
    assert contents(views) == before
    assert not list(used.glob("*.rebuilding*"))
    with started("standalone", used) as server:
        assert server.call("/executions/search")["total"] == 3
        assert server.call(*RUN)["state"]["current"] == "SUCCESS"


def test_a_server_that_runs_keeps_its_views(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with started("standalone", tmp_path) as server:
        run_some(server, 1)

        assert cli.main(["views", "rebuild", "--data", str(tmp_path)]) == 1

        assert f"process {server.process.pid}" in capsys.readouterr().err
        assert server.call("/executions/search")["total"] == 1


def test_a_mistyped_folder_is_no_empty_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["views", "rebuild", "--data", str(tmp_path / "typo")]) == 1

    assert "there is no log in" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_postgresql_that_does_not_answer_is_named(used: Path, capsys: pytest.CaptureFixture[str]) -> None:
    address = "postgresql://somebody@127.0.0.1:9/views"

    assert cli.main(["views", "rebuild", "--data", str(used), "--set", f"api.views={address}"]) == 1

    assert "PostgreSQL can't be reached" in capsys.readouterr().err


def test_views_in_postgresql_come_back_as_they_were(
    tmp_path: Path, empty_postgres: str, capsys: pytest.CaptureFixture[str]
) -> None:
    setting = ["--set", f"api.views={empty_postgres}"]
    with started("standalone", tmp_path, *setting) as server:
        run_some(server)
        assert server.stop(signal.SIGTERM) == 0
    views = PostgresDatabase(empty_postgres)
    before = contents(views)
    connection = views.writer()
    connection.execute("DELETE FROM executions")
    connection.close()

    assert cli.main(["views", "rebuild", "--data", str(tmp_path), *setting]) == 0

    assert "records of executions.events" in capsys.readouterr().out
    assert contents(views) == before
    with started("standalone", tmp_path, *setting) as server:
        assert server.call("/executions/search")["total"] == 3
        assert server.call(*RUN)["state"]["current"] == "SUCCESS"


def test_an_api_that_shares_the_tables_may_run_meanwhile(used: Path, empty_postgres: str) -> None:
    log = open_log(Settings(data=used))
    views = PostgresDatabase(empty_postgres)
    tail = GroupTail(log, views, FanOut(), FlowTexts().facts, 5)
    tail.start()
    try:
        assert tail.caught_up.wait(60)
        before = contents(views)

        rebuild_tables(log, empty_postgres)

        assert contents(views) == before
        assert tail.failure is None
    finally:
        tail.stop()
        log.close()


def test_an_api_that_has_the_file_open_sees_the_new_views(used: Path) -> None:
    log = open_log(Settings(data=used))
    views = SqliteDatabase(used / "views.sqlite")
    tail = Tail(log, views, FanOut(), FlowTexts().facts, 5)
    tail.start()
    try:
        assert tail.caught_up.wait(60)
        reader, writer = views.reader(), views.writer()
        writer.execute("DELETE FROM executions")
        writer.close()

        rebuild_file(log, used / "views.sqlite")

        assert reader.query("SELECT count(*) FROM executions") == [(3,)]
        reader.close()
        assert tail.failure is None
    finally:
        tail.stop()
        log.close()
