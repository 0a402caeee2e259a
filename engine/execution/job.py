"""A job: everything a worker needs to run one attempt, as plain data.

Owns the shape that crosses the log inside a `Grant`; `build_job` fills it from an execution's rows.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of one runnable task, with its variables as of the grant."""

    execution_id: str
    namespace: str
    flow_id: str
    revision: int
    task_run_id: str
    epoch: int
    """Number of the attempt, from 1."""
    task_id: str
    task_type: str
    """Canonical type name."""
    properties: dict[str, Any]
    """As written: templates unrendered, the worker renders them."""
    variables: dict[str, Any]
    """What the templates may read: flow, execution, inputs, vars, labels, task, taskrun, trigger, parent, parents, and
    of `outputs` what the templates mention."""
    timeout: str | None = None
    """ISO duration or template."""
    log_level: str | None = None
    started_ms: int = 0
    allow_failure: bool = False
    allow_warning: bool = False


def job_to_json(job: Job) -> bytes:
    """Return the bytes that a `Grant` carries."""
    return msgspec.json.encode(job)


_decoder = msgspec.json.Decoder(Job)


def job_from_json(data: bytes) -> Job:
    """Return the job of a `Grant`."""
    return _decoder.decode(data)
