"""Runs one attempt from its job to its end: properties, plugin, timeout, outputs, log.

Owns what becomes of an attempt whatever its plugin does. How a failure counts (retries, `allowFailure`) is the
engine's.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, BinaryIO, cast

import msgspec
from pydantic import ValidationError

from engine import expression
from engine.execution.job import Job
from engine.values import State, parse_duration_ms
from worker.context import Reach, Result, RunContext, TaskFailed
from worker.deadlines import Deadlines
from worker.kill import Kill, Killed, Why
from worker.logs import AttemptLog, LogLimits, Shipper
from worker.plugins import Registry
from worker.ports import AttemptKey, Clock, Ended
from worker.properties import describe
from worker.runners.launcher import LaunchError
from worker.runners.process import ProcessRunner
from worker.storage.access import AttemptFiles
from worker.storage.paths import path_of
from worker.storage.port import Storage, StorageError
from worker.world import World, opened

logger = logging.getLogger(__name__)

LOG_MEMORY_BYTES = 1 << 18
"""Of lines that are kept in a file; what is more waits on disk for the end of the attempt."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What all attempts of a worker share."""

    registry: Registry
    shipper: Shipper
    storage: Storage
    processes: ProcessRunner
    deadlines: Deadlines
    clock: Clock
    reach: Reach
    log_limits: LogLimits = field(default_factory=LogLimits)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    encryption_key: str | None = None
    """Opens SECRET inputs."""


def run_attempt(equipment: Equipment, key: AttemptKey, job: Job, kill: Kill) -> Ended:
    """Run an attempt in this thread; never raises, whatever its plugin does."""
    if not job.log_file:
        return _attempt(equipment, key, job, kill, None)
    with tempfile.SpooledTemporaryFile(max_size=LOG_MEMORY_BYTES) as file:
        ended = _attempt(equipment, key, job, kill, file)
        _keep_lines(equipment.storage, job.log_file, file)
    return ended


def _attempt(equipment: Equipment, key: AttemptKey, job: Job, kill: Kill, file: IO[bytes] | None) -> Ended:
    clock = equipment.clock
    log = AttemptLog(job, equipment.shipper, equipment.log_limits, clock.monotonic, clock.wall_ms, file)
    try:
        ended = _run(equipment, key, job, kill, log)
    except Exception as error:
        # Disk full under the working directory, a bug in a plugin: this attempt failed, the worker goes on.
        logger.exception("the attempt %s of task %s failed unexpectedly", key, job.task_id)
        ended = Ended(key, State.FAILED, error=f"{type(error).__name__}: {error}")
    if ended.error:
        ended = msgspec.structs.replace(ended, error=log.masks.hide(ended.error))
        if ended.state is State.FAILED:
            log.error(ended.error)
    log.end()
    return ended


def _keep_lines(storage: Storage, uri: str, file: IO[bytes]) -> None:
    """Store the lines of an attempt; one whose lines are lost has ended all the same."""
    try:
        file.seek(0)
        storage.put(path_of(uri), cast("BinaryIO", file))
    except OSError as error:
        logger.warning("the lines of an attempt are lost, as %s can't be stored: %s", uri, error)


def _run(equipment: Equipment, key: AttemptKey, job: Job, kill: Kill, log: AttemptLog) -> Ended:
    plugin = equipment.registry.find(job.task_type)
    if plugin is None:
        known = ", ".join(equipment.registry.types)
        return Ended(key, State.FAILED, error=f"This worker can't run tasks of type {job.task_type}; it runs: {known}")
    try:
        job = opened(job, equipment.encryption_key, log.masks)
    except ValueError as problem:
        return Ended(key, State.FAILED, error=str(problem))
    files = AttemptFiles(equipment.storage, job)
    reach = equipment.reach
    world = World(job, files, equipment.environment, log.masks, reach.keys).functions()
    context = RunContext(job, log, files, equipment.processes, kill, world, equipment.clock.wall_ms(), reach)
    outputs: bytes = b""
    try:
        timeout_s = _timeout_s(context)
        with equipment.deadlines.after(timeout_s, lambda: kill.ask(Why.TIMEOUT)):
            result = plugin.execute(context)
        return Ended(key, result.state, _outputs_json(result))
    except TaskFailed as failed:
        if failed.outputs is not None:
            outputs = _outputs_json(Result(failed.outputs))
        error = str(failed)
    except Killed:
        error = ""
    except (expression.RenderError, expression.NeedsWorld, LaunchError, StorageError, ValueError) as failed:
        if isinstance(failed, ValidationError):
            error = describe(failed)
        else:
            error = expression.with_property(failed, job.properties)
    finally:
        context.close()
    if kill.why is Why.KILLED:
        return Ended(key, State.KILLED, outputs, "The task was killed")
    if kill.why is Why.TIMEOUT:
        error = f"The task took longer than its timeout {job.timeout}"
    return Ended(key, State.FAILED, outputs, error or "The task stopped without a reason")


def _timeout_s(context: RunContext) -> float | None:
    written = context.job.timeout
    if written is None:
        return None
    try:
        return max(parse_duration_ms(context.render(written)), 0) / 1000
    except ValueError as error:
        raise TaskFailed(f"timeout: {error}") from None


def _outputs_json(result: Result) -> bytes:
    if not result.outputs:
        return b""
    try:
        return msgspec.json.encode(result.outputs, enc_hook=str)
    except (TypeError, ValueError) as error:
        raise TaskFailed(f"The outputs can't be written as JSON: {error}") from error
