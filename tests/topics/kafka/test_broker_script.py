"""What `deploy/kafka/broker.sh` says before it starts anything; starting is what the fixtures do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.kafka_broker import SCRIPT

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="the script needs bash")


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "KAFKA_DIR": str(directory), "KAFKA_ENGINE": "jvm"}
    return subprocess.run([str(SCRIPT), *arguments], env=environ, capture_output=True, text=True, check=False)


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = run(tmp_path, "help").stdout

    for command in ("up", "down", "get", "format", "start", "kill", "restart", "status", "bootstrap", "wipe"):
        assert command in shown
    assert "KAFKA_PORT" in shown


def test_the_status_of_no_cluster_is_its_own_exit_code(tmp_path: Path) -> None:
    ran = run(tmp_path, "status")

    assert (ran.returncode, ran.stdout) == (3, f"no cluster in {tmp_path}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("up", "2"), "a cluster has 1 or 3 nodes, not '2'"),
        (("start", "1"), "there is no node 1"),
        (("kill",), "which node?"),
        (("launch",), "unknown command 'launch'"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    ran = run(tmp_path, *arguments)

    assert ran.returncode == 1
    assert message in ran.stderr


def test_stopping_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert run(tmp_path, "down").returncode == 0
    assert run(tmp_path, "wipe").returncode == 0
