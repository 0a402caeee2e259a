"""`penstock run`: one flow, here and now, on a log that is gone afterwards.

Owns the way of one execution from a file to an exit code. The log, the executor and the worker are the real ones; what
is shown is `deploy/run_view.py`'s.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec

from deploy.encryption import seal_of
from deploy.flow_commands import problem_line, read_text
from deploy.follow import Follower
from deploy.instance_variables import instance_variables
from deploy.open_log import open_log, storage_folder
from deploy.own_log import configure_logging
from deploy.problems import UserError
from deploy.roles import clocks, executor_role, process_name, worker_role
from deploy.run_view import Line, LivePrinter, PlainPrinter, Printer, RunView
from deploy.settings import Settings, WorkerSection
from deploy.supervisor import Supervisor, signals_ask
from engine.catalog.commands import SaveFlow
from engine.catalog.events import FlowSaved
from engine.execution.commands import CreateExecution, KillExecution, ResumeExecution
from engine.flow import Flow, parse_flow
from engine.flow.inputs import ids_of
from engine.flow.validate import problem_to_json
from engine.inputs.resolve import resolve_inputs
from engine.key_values import kv_function
from engine.values import Dialect, State
from executor.state.memory import MemoryStore
from topics.messages import LogEntry, Step
from topics.ports import Log
from worker.storage.key_values import KeyValues
from worker.storage.local import LocalStorage
from worker.storage.port import Storage

GOOD = frozenset({State.SUCCESS, State.WARNING})
REMOVALS_MAX = 100
"""Whoever writes into a folder while it is removed makes the removal fail, and is rarely quicker twice."""


def run(
    path: Path,
    inputs: Sequence[str],
    labels: Sequence[str],
    *,
    dialect: Dialect = Dialect.V1,
    plain: bool,
    debug: bool,
) -> int:
    """Run the flow of a file and return the exit code: 0 if it ended in SUCCESS or WARNING, otherwise 1."""
    configure_logging("DEBUG" if debug else "WARNING", "text")
    source = read_text(path)
    flow = flow_of(path, source)
    given = dict(pair(text, "--input") for text in inputs)
    tags = dict(pair(text, "--label") for text in labels)
    killed = threading.Event()
    with tempfile.TemporaryDirectory(prefix="penstock-run-") as folder:
        settings = settings_in(Path(folder), dialect)
        log = open_log(settings)
        try:
            with signals_ask(killed.set, lambda: remove(folder)), started(log, settings) as supervisor:
                follower = Follower(log, lambda: supervisor.wait(0))
                execution_id = str(uuid4())
                values = values_of(flow, given, execution_id, LocalStorage(storage_folder(settings)), settings)
                create(follower, flow, source, execution_id, values, tags)
                view = RunView()
                printer = PlainPrinter() if plain or not sys.stdout.isatty() else LivePrinter()
                try:
                    follow(follower, execution_id, view, printer, killed)
                finally:
                    printer.close()
                    follower.close()
        finally:
            log.close()
    tell_end(view)
    return 0 if view.state in GOOD else 1


def settings_in(folder: Path, dialect: Dialect) -> Settings:
    """Return settings under which everything lies in this folder, those of scripts too."""
    return Settings(data=folder, dialect=dialect, worker=WorkerSection(folder=folder / "scripts"))


def remove(folder: str) -> None:
    """Remove a folder that threads and scripts still write to."""
    for _ in range(REMOVALS_MAX):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            break


def flow_of(path: Path, source: str) -> Flow:
    """Return the flow of a source.

    Raises:
        UserError: If it can't run; the line of each further error is printed before.
    """
    parsed = parse_flow(source)
    if parsed.flow is None:
        *first, last = [problem_line(path, problem_to_json(each)) for each in parsed.errors]
        for line in first:
            print(line, file=sys.stderr)
        raise UserError(last)
    return parsed.flow


def pair(text: str, option: str) -> tuple[str, str]:
    """Return name and value of `NAME=VALUE`."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UserError(f"{option} {text}: expected NAME=VALUE")
    return name, value


def values_of(
    flow: Flow, given: dict[str, str], execution_id: str, storage: Storage, settings: Settings
) -> dict[str, Any]:
    """Return the typed inputs, as the api would take them.

    Args:
        flow: Which inputs there are.
        given: By name. `@FILE` stands for the contents of a file; for a FILE input it is stored.
        execution_id: Whose files they are.
        storage: Takes them.
        settings: Say what dialect expressions are in, and where the key for secrets is.

    Raises:
        UserError: If one is missing, impossible, or unknown.
    """
    files = ids_of(flow.inputs, "FILE")
    values = dict(given)
    for name, value in given.items():
        if not value.startswith("@"):
            continue
        path = Path(value[1:])
        if name in files:
            place = f"{flow.namespace.replace('.', '/')}/{flow.id}/executions/{execution_id}/inputs/{name}/{path.name}"
            try:
                with path.open("rb") as contents:
                    values[name] = storage.put(place, contents)
            except OSError as error:
                raise UserError(f"input {name}: {path} can't be read: {error.strerror}") from None
        else:
            values[name] = read_text(path)
    about = {"id": flow.id, "namespace": flow.namespace, "revision": 1}
    variables = {**instance_variables(settings, os.environ), "flow": about, "vars": flow.variables}
    keys = KeyValues(storage, clocks().now_ms)
    resolution = resolve_inputs(
        flow.inputs,
        values,
        variables,
        clocks().now_ms(),
        dialect=settings.dialect,
        seal=seal_of(settings),
        world={"kv": kv_function(flow.namespace, keys.get)},
    )
    problems = [f"input {name}: {error}" for name, error in resolution.errors]
    problems += [f"the flow has no input {name}" for name in resolution.unknown]
    if problems:
        raise UserError("; ".join(problems))
    return resolution.values


@contextmanager
def started(log: Log, settings: Settings) -> Iterator[Supervisor]:
    """Run the roles that an execution needs."""
    name = process_name()
    executor = executor_role(log, MemoryStore(), settings, name, triggers=False)
    supervisor = Supervisor([executor, worker_role(log, settings, name)])
    supervisor.start()
    try:
        yield supervisor
    finally:
        supervisor.stop()


def create(
    follower: Follower, flow: Flow, source: str, execution_id: str, inputs: dict[str, Any], labels: dict[str, str]
) -> None:
    """Save the flow and start an execution of it."""
    save = SaveFlow(namespace=flow.namespace, flow_id=flow.id, source=source)
    saved = follower.ask("flows", f"{flow.namespace}/{flow.id}", save)
    revision = next(event.revision for event in saved.events if isinstance(event, FlowSaved))
    command = CreateExecution(
        namespace=flow.namespace,
        flow_id=flow.id,
        revision=revision,
        inputs_json=msgspec.json.encode(inputs),
        labels=labels,
    )
    follower.tell("executions", execution_id, command)


def follow(follower: Follower, execution_id: str, view: RunView, printer: Printer, killed: threading.Event) -> None:
    """Show an execution until nothing of it is left to do.

    A signal kills it, and its end is awaited; the Enter key resumes it where it is paused.
    """
    asked = False
    while not view.settled:
        if killed.is_set() and not asked:
            asked = True
            follower.tell("executions", execution_id, KillExecution())
        if view.state is State.PAUSED and enter_was_pressed():
            follower.tell("executions", execution_id, ResumeExecution())
        printer.show(lines_of(follower, execution_id, view), view)
    # The lines that a worker wrote before the end may lie in another partition, behind it.
    printer.show(lines_of(follower, execution_id, view, timeout_s=0.0), view)


def enter_was_pressed() -> bool:
    """Return True if a person typed a line since the last call; never waits."""
    if not sys.stdin.isatty() or not select.select([sys.stdin], [], [], 0)[0]:
        return False
    return bool(sys.stdin.readline())


def lines_of(follower: Follower, execution_id: str, view: RunView, timeout_s: float = 0.25) -> list[Line]:
    """Return what the next records tell of an execution."""
    lines: list[Line] = []
    for message in follower.poll(timeout_s):
        if isinstance(message, LogEntry):
            if message.execution_id == execution_id:
                lines.append(
                    view.log_line(message.task_run_id, message.task_id, message.at_ms, message.level, message.message)
                )
        elif isinstance(message, Step) and message.id == execution_id:
            lines += [line for event in message.events for line in view.fold(event)]
    return lines


def tell_end(view: RunView) -> None:
    """Print the outputs, and how it ended."""
    if view.outputs_json and (outputs := msgspec.json.decode(view.outputs_json)):
        print(f"outputs {json.dumps(outputs, ensure_ascii=False)}")
    seconds = max(view.ended_ms - view.started_ms, 0) / 1000
    print(f"{view.state} in {seconds:.3f} s" + (f": {view.error}" if view.error else ""))
