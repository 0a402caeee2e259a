"""`penstock kv`: what is set is there, and what is wrong is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import cli


def kv(capsys: pytest.CaptureFixture[str], data: Path, *arguments: str) -> tuple[int, str]:
    code = cli.main(["kv", arguments[0], "--data", str(data), *arguments[1:]])
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_key_is_set_listed_read_and_deleted(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert kv(capsys, tmp_path, "set", "demo", "map", '{"a": [1]}') == (0, "map: JSON, version 1\n")
    assert kv(capsys, tmp_path, "set", "demo", "words", "two words", "--type", "STRING", "--ttl", "PT1H")[0] == 0
    assert kv(capsys, tmp_path, "get", "demo", "map") == (0, '{"a":[1]}\n')
    assert kv(capsys, tmp_path, "get", "demo", "words") == (0, "two words\n")

    listed = kv(capsys, tmp_path, "list", "demo")[1].splitlines()
    assert listed[0] == "map    JSON      version 1"
    assert listed[1].startswith("words  STRING    version 1  until 2")
    assert kv(capsys, tmp_path, "list", "demo", "--prefix", "w")[1].count("\n") == 1

    assert kv(capsys, tmp_path, "delete", "demo", "map") == (0, "")
    assert kv(capsys, tmp_path, "delete", "demo", "map") == (1, "penstock: namespace demo has no key 'map'\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("get", "demo", "k"), "has no key 'k'"),
        (("set", "demo", "../k", "1"), "Key must start with"),
        (("set", "Demo", "k", "1"), "Expected a namespace"),
        (("set", "demo", "k", "two words"), "put a text in quotes"),
        (("set", "demo", "k", "x", "--type", "NUMBER"), "Expected a value of type NUMBER"),
        (("set", "demo", "k", "1", "--ttl", "soon"), "Expected a duration"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "storage").mkdir()
    code, said = kv(capsys, tmp_path, *arguments)
    assert code == 1
    assert words in said
    assert said.count("\n") == 1


def test_reading_makes_no_storage_where_there_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, said = kv(capsys, tmp_path / "wrong", "list", "demo")
    assert (code, "there is no storage at" in said) == (1, True)
    assert not (tmp_path / "wrong").exists()
