"""`flow.WorkingDirectory`: what a worker does in the folder that its tasks share, and how they share it."""

from __future__ import annotations

import io
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engine.execution.job import Job
from engine.values import State
from tests.worker.attempts import Attempts, Make
from tests.worker.executors import job
from worker.kill import Kill, Why
from worker.ports import Ended
from worker.scripts import cache

TYPE = "io.kestra.plugin.core.flow.WorkingDirectory"
SHELL = "io.kestra.plugin.scripts.shell.Commands"
FOLDER = "folder-1"
DAY_MS = 86_400_000


def half(asks: str, **properties: Any) -> Job:
    given = {"variables": properties.pop("variables")} if "variables" in properties else {}
    return job(TYPE, task_id="wd", properties=properties, asks=asks, folder=FOLDER, **given)


def prepare(**properties: Any) -> Job:
    return half("prepare", **properties)


def collect(**properties: Any) -> Job:
    return half("collect", **properties)


def script(*commands: str, folder: str = FOLDER, **properties: Any) -> Job:
    return job(SHELL, properties={"commands": list(commands), **properties}, folder=folder)


def shared(attempts: Attempts, folder: str = FOLDER) -> Path:
    found = attempts.storage.shared.take(folder, None)
    assert found is not None
    attempts.storage.shared.give_back(folder, found)
    return found


def read(attempts: Attempts, uri: str) -> str:
    return attempts.files().read_text(uri, 100)


def kept(attempts: Attempts, ended: Ended) -> dict[str, str]:
    assert ended.state == "SUCCESS", ended.error
    uris = msgspec.json.decode(ended.outputs_json)["outputFiles"]
    return {path: read(attempts, uri) for path, uri in uris.items()}


# The folder ----------------------------------------------------------------------------------------------------------


def test_scripts_find_what_was_prepared_and_what_earlier_ones_left(attempts: Attempts) -> None:
    attempts.outputs(prepare(inputFiles={"in/a.txt": "{{ flow.id }}"}))
    attempts.outputs(script("cat in/a.txt > b.txt", "echo $TMPDIR > $HOME/x", "ln -s b.txt link"))
    outputs = attempts.outputs(
        script("test -L link", "cat {{ workingDir }}/b.txt", "echo", "pwd", outputFiles=["*.txt"])
    )

    assert [text for _, text in attempts.lines] == ["hello", str(shared(attempts))]
    assert read(attempts, outputs["outputFiles"]["b.txt"]) == "hello"


def test_another_worker_sees_the_same_folder(make_attempts: Make) -> None:
    one, other = make_attempts(), make_attempts()
    one.outputs(script("echo hi > x"))
    other.outputs(script("cat x"))

    assert other.lines == [("INFO", "hi")]


def test_other_folders_and_attempts_without_one_see_nothing_of_it(attempts: Attempts) -> None:
    attempts.outputs(script("touch x"))
    attempts.outputs(script("test ! -e x", folder="folder-2"))
    attempts.outputs(script("test ! -e x", folder=""))


def test_inputs_of_a_task_are_laid_into_the_shared_folder_again_and_again(attempts: Attempts) -> None:
    stored = attempts.files().put("s", io.BytesIO(b"stored"))
    for _ in range(2):
        attempts.outputs(script("test -w a && cat a d/b", inputFiles={"a": "text", "d/b": stored}))

    assert [text for _, text in attempts.lines] == ["textstored"] * 2


@pytest.mark.parametrize("ends", ["true", "exit 3", "kill -9 $$"])
def test_the_file_of_a_script_is_no_file_of_the_folder(attempts: Attempts, ends: str) -> None:
    python = "io.kestra.plugin.scripts.python.Script"
    text = f"import os; os.system('touch left; {ends}')"
    attempts.run(job(python, properties={"script": text}, folder=FOLDER))
    gone = "import os, sys; os.unlink(sys.argv[0]); raise SystemExit(2)"
    assert attempts.run(job(python, properties={"script": gone}, folder=FOLDER)).state is State.FAILED

    assert os.listdir(shared(attempts)) == ["left"]


def test_a_killed_script_leaves_its_own_file_nowhere(attempts: Attempts) -> None:
    kill = Kill()
    kill.ask(Why.KILLED, at_once=True)
    python = "io.kestra.plugin.scripts.python.Script"
    ended = attempts.run(job(python, properties={"script": "while True: pass"}, folder=FOLDER), kill)

    assert ended.state is State.KILLED
    assert os.listdir(shared(attempts)) == []


def test_no_address_leads_into_a_shared_folder(attempts: Attempts) -> None:
    attempts.outputs(script("mkdir -p executions/execution-1", "ln -s /etc/passwd executions/execution-1/x"))
    path = shared(attempts).relative_to(attempts.folder.parent / "storage") / "executions" / "execution-1" / "x"
    ended = attempts.run(job(properties={"format": f"{{{{ read('kestra:///{path}') }}}}"}))

    assert ended.state is State.FAILED
    with pytest.raises(OSError, match="have no address"):
        attempts.storage.open(f"kestra:///{path}")


def test_a_folder_that_was_removed_is_missed_and_not_taken_for_an_empty_one(attempts: Attempts) -> None:
    wanted = script("true")
    old = msgspec.structs.replace(wanted, folder_since_ms=attempts.equipment.clock.wall_ms() - 8 * DAY_MS)
    ended = attempts.run(old)
    assert ended.state is State.FAILED
    assert "was removed, as nobody had used it for 7 days" in ended.error

    young = msgspec.structs.replace(wanted, folder_since_ms=attempts.equipment.clock.wall_ms() - 6 * DAY_MS)
    assert attempts.run(young).state is State.SUCCESS
    assert attempts.run(old).state is State.SUCCESS


# Before the first task -----------------------------------------------------------------------------------------------


def test_preparing_twice_is_harmless(attempts: Attempts) -> None:
    stored = attempts.files().put("s", io.BytesIO(b"stored"))
    for _ in range(2):
        attempts.outputs(prepare(inputFiles={"a/b": "1", "c": stored, "left-out": None, "d.json": [1]}))

    folder = shared(attempts)
    assert sorted(os.listdir(folder)) == ["a", "c", "d.json"]
    assert [(folder / each).read_text() for each in ("a/b", "c", "d.json")] == ["1", "stored", "[1]"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a\\..\\x"])
def test_names_that_lead_out_of_the_folder_are_refused(attempts: Attempts, name: str) -> None:
    ended = attempts.run(prepare(inputFiles={name: "x"}))

    assert ended.state is State.FAILED
    assert ended.error.startswith("inputFiles: Expected a path relative to its folder")


def test_links_that_a_script_laid_are_not_followed_by_what_is_written(attempts: Attempts, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "victim").write_text("mine")
    attempts.outputs(
        script(f"ln -s {outside} d", f"ln -s {outside}/victim f", f"ln {outside}/victim hard", "ln -s nowhere n")
    )
    ended = attempts.run(prepare(inputFiles={"d/victim": "x"}))
    assert ended.error == "inputFiles: Expected only folders on the way to 'd/victim', but there is a file or a link"

    attempts.outputs(prepare(inputFiles={"f": "x", "hard": "x", "n": "x"}))
    assert (outside / "victim").read_text() == "mine"
    assert os.listdir(outside) == ["victim"]
    folder = shared(attempts)
    assert [(folder / each).read_text() for each in ("f", "hard", "n")] == ["x", "x", "x"]


def test_a_folder_in_the_place_of_a_file_is_said(attempts: Attempts) -> None:
    attempts.outputs(script("mkdir a", "touch b"))

    assert "there is a folder" in attempts.run(prepare(inputFiles={"a": "x"})).error
    assert "there is a file or a link" in attempts.run(prepare(inputFiles={"b/c": "x"})).error


def test_what_the_flow_writes_wins_over_files_of_its_namespace_and_those_over_the_cache(attempts: Attempts) -> None:
    attempts.outputs(script("mkdir lib; for each in a b c; do echo cached > lib/$each; done"))
    attempts.outputs(collect(cache=CACHE))
    next_execution(attempts)
    for name in ("a", "b"):
        attempts.storage.put(f"company/team/_files/lib/{name}", io.BytesIO(b"namespace's"))
    attempts.outputs(prepare(cache=CACHE, namespaceFiles={"enabled": True}, inputFiles={"lib/a": "flow's"}))

    folder = shared(attempts) / "lib"
    assert [(folder / name).read_text().strip() for name in "abc"] == ["flow's", "namespace's", "cached"]


def test_a_worker_runs_no_whole_one(attempts: Attempts) -> None:
    assert "are run by the engine" in attempts.run(half("")).error


# After the last one --------------------------------------------------------------------------------------------------


def test_collecting_twice_is_harmless(attempts: Attempts) -> None:
    attempts.outputs(script("mkdir d", "echo 1 > d/a.txt", "echo 2 > b.txt", "echo 3 > c"))

    for _ in range(2):
        assert kept(attempts, attempts.run(collect(outputFiles=["**/*.txt"]))) == {"b.txt": "2\n", "d/a.txt": "1\n"}


def test_links_and_what_is_no_file_are_not_kept(attempts: Attempts, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    attempts.outputs(script(f"ln -s {tmp_path}/secret x", f"ln -s {tmp_path} d", "mkfifo p", "echo 1 > a"))

    assert kept(attempts, attempts.run(collect(outputFiles=["**"]))) == {"a": "1\n"}
    assert ("WARN", "outputFiles: x isn't a plain file and is left out") in attempts.lines
    assert ("WARN", "outputFiles: p isn't a plain file and is left out") in attempts.lines


def test_folders_nested_without_end_are_refused(attempts: Attempts) -> None:
    attempts.outputs(script("i=0; while [ $i -lt 150 ]; do mkdir d; cd d; i=$((i+1)); done; touch x"))
    ended = attempts.run(collect(outputFiles=["**"]))

    assert ended.state is State.FAILED
    assert "nested at most 100 deep" in ended.error


def test_where_no_task_has_used_the_folder_there_is_nothing_to_keep(attempts: Attempts) -> None:
    assert kept(attempts, attempts.run(collect(outputFiles=["**"]))) == {}


# The cache -----------------------------------------------------------------------------------------------------------

CACHE = {"patterns": ["lib/**"]}


def archives(attempts: Attempts) -> list[Path]:
    return sorted((attempts.folder.parent / "storage" / "company" / "team" / "hello" / "_cache").rglob("*.zip"))


def next_execution(attempts: Attempts) -> None:
    attempts.storage.shared.remove(FOLDER)


def filled(attempts: Attempts) -> Path:
    attempts.outputs(
        script("mkdir -p lib/d", "echo 1 > lib/d/a", "printf '#!/bin/sh\\necho run' > lib/b", "chmod 755 lib/b")
    )
    attempts.outputs(collect(cache=CACHE))
    next_execution(attempts)
    [archive] = archives(attempts)
    return archive


def test_a_cache_comes_back_with_the_next_execution(attempts: Attempts) -> None:
    filled(attempts)
    attempts.outputs(prepare(cache=CACHE, inputFiles={"lib/d/a": "the flow's own"}))
    attempts.outputs(script("./lib/b", "cat lib/d/a"))

    assert [text for _, text in attempts.lines] == ["run", "the flow's own"]


def test_without_an_earlier_execution_there_is_nothing_to_restore(attempts: Attempts) -> None:
    attempts.outputs(prepare(cache=CACHE))

    assert attempts.lines == []
    assert os.listdir(shared(attempts)) == []


def test_a_cache_is_written_only_when_something_of_it_has_changed(attempts: Attempts) -> None:
    archive = filled(attempts)
    before = archive.stat()
    attempts.outputs(prepare(cache=CACHE))
    attempts.outputs(script("echo 1 > elsewhere"))
    attempts.outputs(collect(cache=CACHE))
    assert archive.stat().st_ino == before.st_ino

    attempts.outputs(script("echo 22 > lib/d/a"))
    attempts.outputs(collect(cache=CACHE))
    assert archive.stat().st_ino != before.st_ino
    next_execution(attempts)
    attempts.outputs(prepare(cache=CACHE))
    assert (shared(attempts) / "lib/d/a").read_text() == "22\n"


def test_a_cache_that_is_too_old_counts_no_more(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = filled(attempts)
    later = time.time_ns() // 1_000_000 + 3_600_000
    monkeypatch.setattr(type(attempts.equipment.clock), "wall_ms", lambda _self: later)
    attempts.outputs(prepare(cache={**CACHE, "ttl": "PT1H"}))
    assert os.listdir(shared(attempts)) == []
    attempts.outputs(prepare(cache={**CACHE, "ttl": "PT2H"}))
    assert os.listdir(shared(attempts)) == ["lib"]

    before = archive.stat().st_ino
    attempts.outputs(collect(cache={**CACHE, "ttl": "PT1H"}))
    assert archive.stat().st_ino != before


def test_each_value_of_a_loop_has_a_cache_of_its_own(attempts: Attempts) -> None:
    attempts.outputs(script("mkdir lib", "echo 1 > lib/a"))
    for value in ("a/../b", "c"):
        attempts.outputs(collect(cache=CACHE, variables={"taskrun": {"value": value}}))

    assert len(archives(attempts)) == 2
    assert {archive.parent.name for archive in archives(attempts)} == {"wd"}


def hostile(path: Path, *members: str) -> None:
    files = [cache.CachedFile(member, 1, 0, 0o6777) for member in members]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(cache.LIST, msgspec.json.encode(cache.Listed(0, files)))
        for member in members:
            archive.writestr(member, "xyz")


@pytest.mark.parametrize("member", ["../x", "/x", "a/../../x"])
def test_a_cache_with_names_that_lead_out_is_not_restored(attempts: Attempts, member: str) -> None:
    hostile(filled(attempts), member)
    attempts.outputs(prepare(cache=CACHE))

    assert os.listdir(shared(attempts)) == []
    assert attempts.lines[-1][0] == "WARN"
    assert "Expected a path relative to its folder" in attempts.lines[-1][1]


def test_a_member_has_no_more_bytes_and_rights_than_it_says(attempts: Attempts) -> None:
    hostile(filled(attempts), "x")
    attempts.outputs(prepare(cache=CACHE))

    found = shared(attempts) / "x"
    assert found.read_text() == "x"
    assert found.stat().st_mode & 0o7777 == 0o777


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_a_damaged_cache_is_said_and_written_anew(attempts: Attempts, damage: bytes | None) -> None:
    archive = filled(attempts)
    archive.write_bytes(archive.read_bytes()[:-30] if damage is None else damage)
    attempts.outputs(prepare(cache=CACHE))
    assert attempts.lines[-1][0] == "WARN"
    assert attempts.lines[-1][1].startswith("cache: it isn't restored")

    filled(attempts)
    attempts.outputs(prepare(cache=CACHE))
    assert (shared(attempts) / "lib/d/a").read_text() == "1\n"


def test_a_cache_that_is_too_large_is_said_and_not_written(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = filled(attempts)
    before = archive.stat().st_ino
    monkeypatch.setattr(cache, "FILES_MAX", 1)
    attempts.outputs(script("mkdir lib", "touch lib/a lib/b"))
    attempts.outputs(collect(cache=CACHE))

    assert archive.stat().st_ino == before
    assert ("WARN", "cache: it isn't saved: Expected at most 1 files and 1024 MiB, but there is more") in attempts.lines


def test_links_are_not_cached(attempts: Attempts) -> None:
    attempts.outputs(script("mkdir lib", "ln -s /etc/passwd lib/x", "touch lib/y"))
    attempts.outputs(collect(cache=CACHE))
    next_execution(attempts)
    attempts.outputs(prepare(cache=CACHE))

    assert os.listdir(shared(attempts) / "lib") == ["y"]


def test_a_kill_ends_restoring_and_saving(attempts: Attempts) -> None:
    filled(attempts)
    kill = Kill()
    kill.ask(Why.KILLED)

    assert attempts.run(prepare(cache=CACHE), kill).state is State.KILLED
    attempts.outputs(script("mkdir -p lib", "touch lib/a"))
    assert attempts.run(collect(cache=CACHE), kill).state is State.KILLED
