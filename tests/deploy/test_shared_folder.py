"""Tasks that share a folder, with real scripts in a real server: also when it is killed in the middle."""

from __future__ import annotations

import signal
import urllib.request
from pathlib import Path
from typing import Any

from tests.deploy.server import Server, started

FLOW = """
id: shared
namespace: demo
tasks:
  - id: together
    type: io.kestra.plugin.core.flow.WorkingDirectory
    inputFiles:
      in/name.txt: "{{ flow.id }}"
    outputFiles: ["out/*.txt"]
    cache:
      patterns: [lib/*]
    tasks:
      - id: first
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - mkdir -p out lib
          - cat in/name.txt > out/one.txt
          - test -e lib/tool || echo fetched > lib/tool
      - id: second
        type: io.kestra.plugin.scripts.python.Script
        script: |
          open("out/two.txt", "w").write(open("{{ workingDir }}/out/one.txt").read() + " twice")
      - id: check
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["test -e GATE"]
      - id: third
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["cat out/two.txt; echo", "ls"]
        outputFiles: ["lib/**"]
  - id: last
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["cat {{ outputs.together.outputFiles['out/two.txt'] }}; echo", "test ! -e out"]
"""


def tasks_of(server: Server, execution: str) -> dict[str, dict[str, Any]]:
    return {run["taskId"]: run for run in server.call(f"/executions/{execution}")["taskRunList"]}


def run_on(server: Server, execution: str, path: str) -> str:
    """Ask for something, follow the execution to its end, and return how it ended."""
    server.call(f"/executions/{execution}{path}", b"")
    with urllib.request.urlopen(f"{server.url}/executions/{execution}/follow", timeout=60) as events:
        events.read()
    return str(server.call(f"/executions/{execution}")["state"]["current"])


def test_what_failed_goes_on_in_the_same_folder_after_the_server_was_killed(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with started("standalone", tmp_path) as server:
        server.call("/flows", FLOW.replace("GATE", str(gate)).encode(), "application/x-yaml")
        failed = server.call("/executions/demo/shared?wait=true", b"", "application/x-www-form-urlencoded")
        assert failed["state"]["current"] == "FAILED"
        server.stop(signal.SIGKILL)

    gate.touch()
    with started("standalone", tmp_path) as server:
        assert run_on(server, failed["id"], "/restart") == "SUCCESS"
        tasks = tasks_of(server, failed["id"])
        assert [len(tasks[name]["attempts"]) for name in ("first", "second", "check", "third")] == [1, 1, 2, 1]
        assert sorted(tasks["together"]["outputs"]["outputFiles"]) == ["out/one.txt", "out/two.txt"]
        assert list(tasks["third"]["outputs"]["outputFiles"]) == ["lib/tool"]
        again = server.call("/executions/demo/shared?wait=true", b"", "application/x-www-form-urlencoded")
        assert again["state"]["current"] == "SUCCESS"
        assert server.stop(signal.SIGTERM) == 0

    assert list((tmp_path / "storage" / ".shared").iterdir()) == []
