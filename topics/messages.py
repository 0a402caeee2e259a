"""Messages that are not commands or events of an aggregate: the step log's own records, jobs, leases, logs.

Owns their classes; the `.avsc` files in `schemas/` are derived from these and from `engine/*/commands.py` and
`events.py` by `topics/serde`, and a test holds the two together. Bytes fields named `…_json` hold JSON text.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the messages defined here."""


class Claim(Message, frozen=True, kw_only=True):
    """An executor takes a partition: steps under a lower epoch no longer count."""

    epoch: int
    owner: str
    """Unique per claim, so that nobody takes another's claim for his own."""


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """What a step answers."""

    kind: str
    """inbox | timer"""
    offset: int
    """For inbox: the command's offset. For timer: the inbox offset that was next when it fired."""
    timer: str = ""
    """For timer: its id."""
    request: str = ""
    """Id of the request that an HTTP client waits for, if any."""


class Step(Message, frozen=True, kw_only=True):
    """One command's events: the atom of the step log (streams, section 2)."""

    epoch: int
    n: int
    """Number of the step in its partition, without gaps."""
    cause: Cause
    id: str
    """The aggregate's id: execution id, flow uid."""
    seq: int
    """Number of this aggregate's first event in this step."""
    at_ms: int
    tenant: str = "main"
    namespace: str = ""
    flow: str = ""
    revision: int = 0
    events: tuple[Any, ...] = ()
    """Union of the event classes of the aggregate's kind."""
    hash: bytes | None = None
    """On every Nth step: running hash of the partition before this step."""


class SnapshotRow(Message, frozen=True, kw_only=True):
    """A row of live state; the record's key is the row's key. A tombstone deletes it."""

    key: bytes
    value: bytes


class SnapshotBarrier(Message, frozen=True, kw_only=True):
    """All rows before this one are at least as new as the log at `offset`: fold from there."""

    offset: int
    epoch: int
    n: int
    hash: bytes
    cause_offset: int
    """Next inbox offset."""
    owner: str = ""


class Doorbell(Message, frozen=True, kw_only=True):
    """A job waits: whoever has a free slot may claim it."""

    execution_id: str
    task_run_id: str
    epoch: int
    """Attempt epoch; a claim must name the same."""
    priority: int = 0


class Discard(Message, frozen=True, kw_only=True):
    """A folder that tasks of an execution have shared isn't needed any more: whoever takes this removes it."""

    execution_id: str
    folder: str


class Grant(Message, frozen=True, kw_only=True):
    """The worker's claim was counted: it runs this attempt, nobody else does."""

    execution_id: str
    task_run_id: str
    epoch: int
    job_json: bytes
    """An `engine.execution.job.Job` as JSON: task definition and variables as of now."""


class Drop(Message, frozen=True, kw_only=True):
    """The claim can't be granted (taken, killed, gone): forget the doorbell."""

    execution_id: str
    task_run_id: str
    epoch: int


class Cancel(Message, frozen=True, kw_only=True):
    """Stop this attempt, if it still runs."""

    execution_id: str
    task_run_id: str
    epoch: int


class Heartbeat(Message, frozen=True, kw_only=True):
    """A worker lives, and holds these attempts."""

    worker_id: str
    at_ms: int
    slots: int
    running: int
    queue: str
    version: str = ""


class WorkerLeaving(Message, frozen=True, kw_only=True):
    """A worker stops gracefully; what it still holds is handed back at once."""

    worker_id: str
    at_ms: int


class LogEntry(Message, frozen=True, kw_only=True):
    """One log line of a task run. `id` is attempt id and number, so that a repeated delivery is one line."""

    id: str
    execution_id: str
    namespace: str
    flow_id: str
    task_id: str
    task_run_id: str
    attempt: int
    at_ms: int
    level: str
    thread: str
    message: str
    number: int


class MetricEntry(Message, frozen=True, kw_only=True):
    """One metric that a task reported."""

    id: str
    execution_id: str
    namespace: str
    flow_id: str
    task_id: str
    task_run_id: str
    at_ms: int
    kind: str
    """counter | timer | gauge"""
    name: str
    value: float
    tags_json: bytes = b"{}"


class DeadLetter(Message, frozen=True, kw_only=True):
    """A record that can't be processed, with where it stood and why."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    error: str
    at_ms: int
