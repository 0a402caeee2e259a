"""`penstock topics` on the built-in log."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy import cli
from deploy.open_log import open_log
from deploy.settings import Settings
from topics import catalog
from topics.messages import Doorbell
from topics.serde import encode


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder whose log holds two doorbells."""
    log = open_log(Settings(data=tmp_path))
    writer = log.writer()
    for name in ("one", "two"):
        doorbell = Doorbell(execution_id=name, task_run_id="t", epoch=1)
        writer.append(catalog.jobs_of("default"), 0, name.encode(), encode(doorbell))
    while writer.outstanding:
        writer.poll(1.0)
    log.close()
    return tmp_path


def test_tail_prints_each_record_as_a_json_line(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["topics", "tail", catalog.jobs_of("default"), "--data", str(data)]) == 0

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["offset"] for line in lines] == [0, 1]
    assert lines[1]["key"] == "two"
    assert lines[1]["message"]["execution_id"] == "two"


def test_tail_shows_one_key_only_if_asked(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["topics", "tail", catalog.jobs_of("default"), "--data", str(data), "--key", "one"])

    assert [json.loads(line)["key"] for line in capsys.readouterr().out.splitlines()] == ["one"]


def test_list_prints_every_topic(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["topics", "list", "--data", str(data)])

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == list(catalog.BY_NAME)


def test_a_mistyped_folder_is_no_empty_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["topics", "list", "--data", str(tmp_path / "typo")]) == 1

    assert "there is no log in" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_topic_is_answered_with_those_there_are(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["topics", "tail", "executionz", "--data", str(data)]) == 1

    assert catalog.EXECUTIONS_EVENTS in capsys.readouterr().err
