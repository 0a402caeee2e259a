"""Each role as a process of its own, meeting the others on a Kafka cluster only."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from deploy import cli
from tests.deploy.server import FLOW, started
from topics import catalog
from topics.kafka.settings import KafkaSettings


@pytest.fixture
def cluster(kafka_settings: KafkaSettings) -> list[str]:
    """Options of a fresh Penstock on the broker that all tests share."""
    prefix = f"kafka.topic_prefix={kafka_settings.prefix}"
    partitions = f"kafka.partitions={kafka_settings.partitions}"
    return ["--kafka", kafka_settings.bootstrap, "--set", prefix, "--set", partitions]


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def test_an_executor_and_an_api_meet_in_topics_only(
    tmp_path: Path, cluster: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["topics", "apply", *cluster]) == 0
    assert "created executions" in capsys.readouterr().out

    with (
        started("executor", folder(tmp_path / "executor"), *cluster) as executor,
        started("api", folder(tmp_path / "api"), *cluster) as api,
    ):
        api.call("/flows", FLOW, "application/x-yaml")
        execution = api.call("/executions/demo/hello?wait=true", b"name=Ada", "application/x-www-form-urlencoded")
        assert execution["state"]["current"] == "SUCCESS"
        assert api.stop(signal.SIGTERM) == 0
        assert executor.stop(signal.SIGTERM) == 0

    cli.main(["topics", "tail", catalog.EXECUTIONS_EVENTS, "--key", execution["id"], *cluster])
    assert "ExecutionEnded" in capsys.readouterr().out


def test_a_role_says_how_to_create_the_topics_that_are_missing(
    tmp_path: Path, cluster: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["server", "executor", "--data", str(tmp_path), *cluster]) == 1

    said = capsys.readouterr().err.splitlines()[-1]
    assert "penstock topics apply" in said


def test_a_broker_that_is_not_there_is_named_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["topics", "list", "--kafka", "127.0.0.1:9"]) == 1

    said = capsys.readouterr().err
    assert said.startswith("penstock: no Kafka broker answers at 127.0.0.1:9")
    assert said.count("\n") == 1


def test_a_role_with_another_number_of_partitions_is_refused_with_the_remedy(
    tmp_path: Path, cluster: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["topics", "apply", *cluster])

    assert cli.main(["server", "executor", "--data", str(tmp_path), *cluster, "--set", "kafka.partitions=7"]) == 1

    said = capsys.readouterr().err.splitlines()[-1]
    assert "but kafka.partitions is 7" in said
    assert "for every process" in said
