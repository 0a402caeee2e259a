"""Runs a script task from its properties to its outputs: what all languages have in common.

Owns the order of things. A language adds its interpreter and its text, see `worker/plugins`.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from worker.context import Result, RunContext, TaskFailed
from worker.kill import Killed
from worker.runners.process import Finished
from worker.scripts.command import command_line
from worker.scripts.files import keep, lay_in, localise
from worker.scripts.namespace_files import lay_namespace_files
from worker.scripts.properties import ScriptProperties
from worker.scripts.protocol import ScriptSink
from worker.storage.port import StorageError


def run_script(
    context: RunContext,
    properties: ScriptProperties,
    commands: Sequence[str],
    *,
    first: Sequence[str] = (),
    more: Mapping[str, str] = MappingProxyType({}),
    own: Path | None = None,
) -> Result:
    """Run commands in the attempt's folder.

    Args:
        context: The attempt.
        properties: Rendered properties.
        commands: What follows `beforeCommands`.
        first: What goes before them.
        more: Environment of the language; it wins over `env`.
        own: A file that the worker wrote into the working directory, which is no output.

    Raises:
        TaskFailed: If it ended with another exit code than 0, with the outputs so far.
        Killed: If it was asked to end.
    """
    properties.check()
    folder = context.folder
    environment = {**folder_environment(context, properties), **more}
    lay_namespace_files(context, properties.namespace_files)
    lay_in(context, properties.input_files)
    lines = [localise(context, line) for line in (*first, *properties.before_commands, *commands)]
    arguments = command_line(properties.interpreter, lines, fail_fast=properties.fail_fast, folder=folder)
    sink = ScriptSink(context.log)
    try:
        finished = context.processes.run(arguments, environment, folder, sink, context.kill)
    finally:
        if own is not None:
            own.unlink(missing_ok=True)
    if finished.left_behind:
        context.log.line("WARN", f"{finished.left_behind} processes ran on after the script's end and were killed")
    outputs: dict[str, Any] = {"exitCode": finished.code, "vars": sink.variables, "outputFiles": {}}
    if context.kill.why is not None:
        raise Killed
    try:
        outputs["outputFiles"] = keep(context, folder.work, properties.output_files)
        if properties.output_directory:
            outputs["outputFiles"] |= keep(context, folder.output, ["**"])
    except (TaskFailed, StorageError) as error:
        if finished.code == 0:
            raise TaskFailed(str(error), outputs) from error
        context.log.line("WARN", str(error))
    if finished.code != 0:
        raise TaskFailed(said_of(finished), outputs)
    return Result(outputs)


def folder_environment(context: RunContext, properties: ScriptProperties) -> dict[str, str]:
    """Return the script's environment, and make the folder for output files if it is wanted.

    Raises:
        TaskFailed: If a variable can't be one.
    """
    job, folder = context.job, context.folder
    given = {
        "WORKING_DIR": str(folder.work),
        # Repeated by a program that does something outside, the same key tells the outside that it has been done.
        "PENSTOCK_IDEMPOTENCY_KEY": f"{job.task_run_id}-{job.epoch}",
    }
    if properties.output_directory:
        folder.make_output()
        given["OUTPUT_DIR"] = str(folder.output)
    for name, value in properties.env.items():
        if not name or "=" in name or "\0" in name or "\0" in (value or ""):
            raise TaskFailed(f"env: {name!r} can't be a variable of the environment")
        given[name] = value or ""
    return context.processes.environment(folder, given)


def said_of(finished: Finished) -> str:
    """Return what the flow's author reads about a script that failed."""
    if finished.signal is None:
        return f"Command failed with exit code {finished.code}"
    likely: dict[int, str] = {
        signal.SIGKILL: "; it may have used too much memory",
        signal.SIGXCPU: "; it used all the CPU time that it may",
    }
    why = likely.get(finished.signal, "")
    return f"Command failed with exit code {finished.code}: signal {finished.signal} ended it{why}"
