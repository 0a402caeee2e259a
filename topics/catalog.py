"""The one table of topics: key, messages, partitions, cleanup, who writes, who reads.

Owns topic names (written nowhere else), their limits, and the mapping of a key to its partition. It creates nothing:
`penstock topics apply` does, through the log's admin.
"""

from __future__ import annotations

import msgspec

DAY_MS = 86_400_000

EXECUTIONS_INBOX = "executions.inbox"
EXECUTIONS_EVENTS = "executions.events"
EXECUTIONS_SNAPSHOTS = "executions.snapshots"
FLOWS_INBOX = "flows.inbox"
FLOWS_EVENTS = "flows.events"
FLOWS_SNAPSHOTS = "flows.snapshots"
SLOTS_INBOX = "slots.inbox"
SLOTS_EVENTS = "slots.events"
SLOTS_SNAPSHOTS = "slots.snapshots"
TRIGGERS_INBOX = "triggers.inbox"
TRIGGERS_EVENTS = "triggers.events"
TRIGGERS_SNAPSHOTS = "triggers.snapshots"
JOBS_PREFIX = "jobs."
DEFAULT_QUEUE = "default"
WORKERS_INBOX = "workers.inbox"
WORKERS_LEASES = "workers.leases"
LOGS = "logs"
METRICS = "metrics"
DEAD_LETTERS = "dead-letters"

COMPACTION_LAG_MS = DAY_MS
"""How long a compacted topic keeps a record that a later one replaces: a snapshot may be unfinished for so long."""
RECORD_BYTES_MAX = 4 * 1024 * 1024
"""Largest value of a record: a step holds at most some hundred events or one loop's rendered values; brokers get
`max.message.bytes` a little above it, clients the same."""


class Topic(msgspec.Struct, frozen=True):
    """One row of the table."""

    name: str
    key: str
    messages: tuple[str, ...]
    """Names of the message classes, as in `schemas/`."""
    sharded: bool
    """True: as many partitions as executions have; False: one partition."""
    retention_ms: int | None
    """None: kept for ever."""
    compacted: bool
    producers: tuple[str, ...]
    consumers: tuple[str, ...]


TOPICS: tuple[Topic, ...] = (
    Topic(
        EXECUTIONS_INBOX,
        "execution id",
        ("execution commands",),
        True,
        7 * DAY_MS,
        False,
        ("api", "worker", "executor"),
        ("executor",),
    ),
    Topic(
        EXECUTIONS_EVENTS,
        "execution id",
        ("Claim", "Step"),
        True,
        30 * DAY_MS,
        False,
        ("executor",),
        ("executor", "api", "worker"),
    ),
    Topic(
        EXECUTIONS_SNAPSHOTS,
        "row key",
        ("SnapshotRow", "SnapshotBarrier"),
        True,
        None,
        True,
        ("executor",),
        ("executor",),
    ),
    Topic(FLOWS_INBOX, "flow uid", ("flow commands",), False, 7 * DAY_MS, False, ("api",), ("executor",)),
    Topic(
        FLOWS_EVENTS, "flow uid", ("Claim", "Step"), False, None, False, ("executor",), ("executor", "api", "worker")
    ),
    Topic(
        FLOWS_SNAPSHOTS, "row key", ("SnapshotRow", "SnapshotBarrier"), False, None, True, ("executor",), ("executor",)
    ),
    Topic(SLOTS_INBOX, "flow uid", ("slots commands",), True, 7 * DAY_MS, False, ("executor",), ("executor",)),
    Topic(SLOTS_EVENTS, "flow uid", ("Claim", "Step"), True, 30 * DAY_MS, False, ("executor",), ("executor",)),
    Topic(
        SLOTS_SNAPSHOTS, "row key", ("SnapshotRow", "SnapshotBarrier"), True, None, True, ("executor",), ("executor",)
    ),
    Topic(
        JOBS_PREFIX + DEFAULT_QUEUE,
        "none",
        ("Doorbell", "Discard"),
        True,
        3 * DAY_MS,
        False,
        ("executor",),
        ("worker",),
    ),
    Topic(
        TRIGGERS_INBOX, "flow uid", ("trigger commands",), True, 7 * DAY_MS, False, ("api", "executor"), ("executor",)
    ),
    Topic(TRIGGERS_EVENTS, "flow uid", ("Claim", "Step"), True, 30 * DAY_MS, False, ("executor",), ("executor", "api")),
    Topic(
        TRIGGERS_SNAPSHOTS,
        "row key",
        ("SnapshotRow", "SnapshotBarrier"),
        True,
        None,
        True,
        ("executor",),
        ("executor",),
    ),
    Topic(WORKERS_INBOX, "worker id", ("Grant", "Drop", "Cancel"), True, DAY_MS, False, ("executor",), ("worker",)),
    Topic(
        WORKERS_LEASES, "worker id", ("Heartbeat", "WorkerLeaving"), False, DAY_MS, False, ("worker",), ("executor",)
    ),
    Topic(LOGS, "execution id", ("LogEntry",), True, 7 * DAY_MS, False, ("worker",), ("api", "worker")),
    Topic(METRICS, "execution id", ("MetricEntry",), True, 7 * DAY_MS, False, ("worker",), ("api",)),
    Topic(DEAD_LETTERS, "none", ("DeadLetter",), False, 30 * DAY_MS, False, ("executor",), ("operator",)),
)

BY_NAME = {topic.name: topic for topic in TOPICS}

STEP_TOPICS = frozenset(topic.name for topic in TOPICS if "Step" in topic.messages)
"""The step logs: the truth that everything else is folded from."""


def inbox_of(kind: str) -> str:
    """Return the inbox topic of an aggregate kind (`executions`, `flows`, `slots`)."""
    return f"{kind}.inbox"


def events_of(kind: str) -> str:
    """Return the step-log topic of an aggregate kind."""
    return f"{kind}.events"


def snapshots_of(kind: str) -> str:
    """Return the snapshot topic of an aggregate kind."""
    return f"{kind}.snapshots"


def jobs_of(queue: str) -> str:
    """Return the topic of a job queue."""
    return JOBS_PREFIX + queue


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash that Java's Kafka clients use (seed 0x9747b28c), as an unsigned number."""
    mask = 0xFFFFFFFF
    multiplier = 0x5BD1E995
    length = len(data)
    value = (0x9747B28C ^ length) & mask
    whole = length & ~3
    for at in range(0, whole, 4):
        chunk = int.from_bytes(data[at : at + 4], "little") * multiplier & mask
        chunk = (chunk ^ chunk >> 24) * multiplier & mask
        value = (value * multiplier & mask) ^ chunk
    if length & 3:
        value = (value ^ int.from_bytes(data[whole:], "little")) * multiplier & mask
    value = (value ^ value >> 13) * multiplier & mask
    return value ^ value >> 15


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key, the same that Java clients compute (murmur2, sign bit cleared)."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions if partitions > 1 else 0
