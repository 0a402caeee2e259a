"""`namespaceFiles` and `nsfile:///…`: files of namespaces in a task's working directory."""

from __future__ import annotations

import io
from typing import Any

import pytest

from engine.execution.job import Job
from engine.values import State
from tests.worker.attempts import Attempts
from tests.worker.executors import job
from worker.kill import Kill, Why
from worker.scripts import namespace_files

SHELL = "io.kestra.plugin.scripts.shell.Commands"
FILES = {
    "company/team": {
        "a.txt": "team a",
        "scripts/run.sh": "team run",
        "scripts/deep/x.py": "team x",
        ".hidden": "team h",
    },
    "company": {"a.txt": "company a", "b.txt": "company b"},
}


@pytest.fixture(autouse=True)
def stored(attempts: Attempts) -> None:
    for namespace, files in FILES.items():
        for path, text in files.items():
            attempts.storage.put(f"{namespace}/_files/{path}", io.BytesIO(text.encode()))


def script(*commands: str, folder: str = "", **properties: Any) -> Job:
    return job(SHELL, properties={"commands": list(commands), **properties}, folder=folder)


def found(attempts: Attempts, **properties: Any) -> dict[str, str]:
    """Return the files that a script finds, and what is in them."""
    before = len(attempts.lines)
    listing = 'find . -type f | sort | while read f; do echo "$f=$(cat $f)"; done'
    attempts.outputs(script(listing, namespaceFiles=properties))
    lines = [text.removeprefix("./").partition("=") for level, text in attempts.lines[before:] if level == "INFO"]
    return {name: text for name, _, text in lines}


def names(attempts: Attempts, **properties: Any) -> list[str]:
    return sorted(found(attempts, **properties))


def test_all_files_of_the_flows_namespace_lie_in_the_folder(attempts: Attempts) -> None:
    assert found(attempts, enabled=True) == FILES["company/team"]
    assert found(attempts) == FILES["company/team"]


def test_switched_off_there_are_none(attempts: Attempts) -> None:
    assert found(attempts, enabled=False) == {}
    assert found(attempts, enabled="false") == {}


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"include": ["scripts/**"]}, ["scripts/deep/x.py", "scripts/run.sh"]),
        ({"include": ["run.sh", "/a.txt"]}, ["a.txt", "scripts/run.sh"]),
        ({"include": ["/run.sh"]}, []),
        ({"include": ["**/*.py"]}, ["scripts/deep/x.py"]),
        ({"include": ["glob:**.txt"]}, ["a.txt"]),
        ({"exclude": ["/scripts/**"]}, [".hidden", "a.txt"]),
        ({"include": ["scripts/**"], "exclude": ["deep/**"]}, ["scripts/run.sh"]),
    ],
)
def test_patterns_choose(attempts: Attempts, chosen: dict[str, Any], expected: list[str]) -> None:
    assert names(attempts, **chosen) == expected


def test_of_several_namespaces_the_last_one_wins(attempts: Attempts) -> None:
    both = found(attempts, namespaces=["company", "company.team"], include=["*.txt"])
    assert both == {"a.txt": "team a", "b.txt": "company b"}
    assert found(attempts, namespaces=["company.team", "company"], include=["/a.txt"]) == {"a.txt": "company a"}


def test_each_namespace_may_have_a_folder(attempts: Attempts) -> None:
    expected = {"company/a.txt": "company a", "company.team/a.txt": "team a"}

    assert (
        found(attempts, namespaces=["company", "company.team"], include=["a.txt"], folderPerNamespace=True) == expected
    )


@pytest.mark.parametrize("namespace", ["other", "company.team.below", "..", "company/team", ""])
def test_files_of_another_namespace_are_refused(attempts: Attempts, namespace: str) -> None:
    ended = attempts.run(script("true", namespaceFiles={"namespaces": [namespace]}))

    assert ended.state is State.FAILED
    assert ended.error.startswith("namespaceFiles: Expected the namespace company.team or one around it")


def test_that_there_is_no_such_file_is_said(attempts: Attempts) -> None:
    assert names(attempts, include=["nothing"]) == []
    assert ("WARN", "namespaceFiles: there is no such file in company.team") in attempts.lines


@pytest.mark.parametrize(
    ("if_exists", "text", "state"),
    [
        ("OVERWRITE", "team a", State.SUCCESS),
        ("IGNORE", "mine", State.SUCCESS),
        ("WARN", "mine", State.SUCCESS),
        ("FAIL", "", State.FAILED),
    ],
)
def test_a_file_that_is_there_already(attempts: Attempts, if_exists: str, text: str, state: State) -> None:
    attempts.outputs(script("echo -n mine > a.txt", folder="f"))
    wanted = script("cat a.txt; echo", folder="f", namespaceFiles={"include": ["/a.txt"], "ifExists": if_exists})
    ended = attempts.run(wanted)

    assert ended.state is state
    assert [line for level, line in attempts.lines if level == "INFO"] == ([text] if text else [])
    said = [line for level, line in attempts.lines if level != "INFO"]
    assert said == {
        "WARN": ["namespaceFiles: the file 'a.txt' is there already and stays as it is"],
        "FAIL": ["namespaceFiles: the file 'a.txt' is there already"],
    }.get(if_exists, [])


@pytest.mark.parametrize("there", ["mkdir a.txt", "ln -s nowhere a.txt", "ln -s /etc/passwd a.txt"])
def test_something_else_that_is_there_already_is_no_file_of_the_namespace(attempts: Attempts, there: str) -> None:
    attempts.outputs(script(there, folder="f"))
    ended = attempts.run(script("true", folder="f", namespaceFiles={"include": ["/a.txt"], "ifExists": "FAIL"}))

    assert ended.error == "namespaceFiles: the file 'a.txt' is there already"


def test_the_same_file_from_an_attempt_before_is_no_conflict(attempts: Attempts) -> None:
    for _ in range(2):
        attempts.outputs(script("true", folder="f", namespaceFiles={"ifExists": "FAIL"}))


def test_inputs_win_over_files_of_the_namespace(attempts: Attempts) -> None:
    wanted = script("cat a.txt; echo", namespaceFiles={"enabled": True}, inputFiles={"a.txt": "mine"})
    attempts.outputs(wanted)

    assert attempts.lines == [("INFO", "mine")]


def test_too_many_are_refused(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace_files, "FILES_MAX", 3)
    ended = attempts.run(script("true", namespaceFiles={"enabled": True}))

    assert ended.error == "namespaceFiles: more than 3 files or 1024 MiB; choose with 'include'"


def test_a_kill_ends_it(attempts: Attempts) -> None:
    kill = Kill()
    kill.ask(Why.KILLED)

    assert attempts.run(script("true", namespaceFiles={"enabled": True}), kill).state is State.KILLED


def test_a_namespace_has_files_only_under_its_own_name(attempts: Attempts) -> None:
    assert list(attempts.files().namespace_files("company")) == ["a.txt", "b.txt"]


def test_an_input_file_may_be_one_of_the_namespace(attempts: Attempts) -> None:
    attempts.outputs(script("cat here; echo", inputFiles={"here": "nsfile:///scripts/run.sh"}))
    assert attempts.lines == [("INFO", "team run")]

    ended = attempts.run(script("true", inputFiles={"here": "nsfile:///../../x"}))
    assert ended.error.startswith("inputFiles: Expected a path relative to its folder")
