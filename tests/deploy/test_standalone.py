"""`penstock server standalone` as a person starts it: a process, its port, its signals."""

from __future__ import annotations

import signal
import socket
from pathlib import Path

import pytest

from deploy import cli
from tests.deploy.server import FLOW, started


def test_an_execution_is_there_after_a_restart(tmp_path: Path) -> None:
    with started("standalone", tmp_path) as server:
        server.call("/flows", FLOW, "application/x-yaml")
        execution = server.call("/executions/demo/hello?wait=true", b"name=Ada", "application/x-www-form-urlencoded")
        assert execution["state"]["current"] == "SUCCESS"
        assert server.stop(signal.SIGTERM) == 0

    with started("standalone", tmp_path) as server:
        again = server.call(f"/executions/{execution['id']}")
        assert again["taskRunList"][0]["outputs"] == {"value": "Good day, Ada"}
        assert server.stop(signal.SIGINT) == 0


def test_a_killed_server_comes_back_with_what_it_had_acknowledged(tmp_path: Path) -> None:
    with started("standalone", tmp_path) as server:
        server.call("/flows", FLOW, "application/x-yaml")
        execution = server.call("/executions/demo/hello?wait=true", b"name=Ada", "application/x-www-form-urlencoded")
        server.stop(signal.SIGKILL)

    with started("standalone", tmp_path) as server:
        assert server.call(f"/executions/{execution['id']}")["state"]["current"] == "SUCCESS"


def test_a_second_server_on_the_same_folder_is_refused_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with started("standalone", tmp_path) as server:
        code = cli.main(["server", "standalone", "--data", str(tmp_path), "--port", "0"])

        said = capsys.readouterr().err
        assert code == 1
        assert f"process {server.process.pid}" in said
        assert "Traceback" not in said


def test_a_taken_port_is_named_before_anything_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        code = cli.main(["server", "standalone", "--data", str(tmp_path / "data"), "--port", port])

    assert code == 1
    assert f"port {port} of 127.0.0.1 can't be had: Address already in use; choose another" in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("role", ["executor", "worker", "api"])
def test_a_role_by_itself_needs_a_cluster(role: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["server", role, "--data", str(tmp_path)]) == 1

    assert f"{role} by itself needs a Kafka cluster" in capsys.readouterr().err


def test_a_data_folder_that_cannot_be_is_named_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()

    assert cli.main(["server", "standalone", "--data", str(tmp_path / "file" / "data"), "--port", "0"]) == 1

    said = capsys.readouterr().err
    assert "The log can't be in" in said
    assert "Name another folder" in said


def test_a_certificate_that_is_not_there_is_named_with_its_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = ["--set", "kafka.security_protocol=SSL", "--set", f"kafka.ca_file={tmp_path / 'ca.pem'}"]

    assert cli.main(["topics", "list", "--kafka", "127.0.0.1:9", *missing]) == 1

    assert "kafka.ca_file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("spoilt", "remedy"),
    [("views.sqlite", "penstock views rebuild"), ("rows/CURRENT", "delete it: rows are rebuilt from the log")],
)
def test_a_damaged_fold_of_the_log_is_no_bug_and_its_remedy_is_said(
    tmp_path: Path, spoilt: str, remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / spoilt
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"nonsense" * 1_000)

    assert cli.main(["server", "standalone", "--data", str(tmp_path), "--port", "0"]) == cli.EXIT_FAILED

    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("penstock: ")
    assert remedy in said
