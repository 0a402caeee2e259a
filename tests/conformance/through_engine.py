"""Runs a folder's expression rows through the engine alone: no server, no log, no worker.

A row is a template and what it renders to, in the format of the folder's own runner, `conform.py`, whose packing of
rows into flows and whose judgement are used. Rows whose template needs the world (secrets, files …) are a worker's, and
are left to the run against a server.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from engine.execution.commands import CreateExecution
from engine.flow.document import read_documents
from tests.engine.execution.driven import Driven

ROWS_OF_A_FLOW = 40


def runner_of(folder: Path) -> Any:
    """Return the folder's runner as a module."""
    spec = importlib.util.spec_from_file_location("conform", folder / "conform.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def judged(runner: Any, number: int, batch: dict[str, Any]) -> dict[str, str]:
    """Run a flow of rows; return why each row fails: empty if it passes, `worker` if the engine can't say."""
    source = runner.expression_flow(f"expr-{number}", batch)
    run = Driven(source, checked=False, execution_id=f"{uuid4()}")
    run.now_ms = time.time_ns() // 1_000_000
    run.send(CreateExecution(namespace=run.flow.namespace, flow_id=run.flow.id, revision=1))
    asked = set()
    while run.waiting:
        bell = run.waiting.pop(0)
        asked.add(run.runs[bell.task_run_id].task)
        run.claim(bell)
        run.report(bell, RuntimeError("no worker is here"))
    found = {}
    for index, row in enumerate(batch["rows"]):
        name = f"r{index}"
        if name in asked:
            found[row["id"]] = "worker"
            continue
        view = run[name]
        # A task that may fail ends in WARNING, as its execution's task run does.
        seen = {"state": {"current": str(view.state)}, "outputs": view.outputs}
        messages = "\n".join([*(message for _level, message in view.lines), view.error])
        try:
            runner.judge_row(row, seen, messages)
        except runner.Mismatch as mismatch:
            found[row["id"]] = f"{row['template']!r}: {mismatch}"
        else:
            found[row["id"]] = ""
    return found


def run_rows(folder: Path) -> int:
    """Run all rows of a folder and print what fails; return how many do."""
    runner = runner_of(folder)
    groups = read_documents((folder / "expressions.yaml").read_text("utf-8"))[0].value["groups"]
    found: dict[str, str] = {}
    for number, batch in enumerate(runner.expression_batches(groups, ROWS_OF_A_FLOW)):
        found |= judged(runner, number, batch)
    failed = {row: why for row, why in found.items() if why not in ("", "worker")}
    for row, why in failed.items():
        print(f"FAIL {row:<44} {why}")
    left = sum(why == "worker" for why in found.values())
    passed = len(found) - len(failed) - left
    print(
        f"expressions through the engine alone: {passed} passed, {len(failed)} failed, {left} need a worker\n",
        flush=True,
    )
    return len(failed)
