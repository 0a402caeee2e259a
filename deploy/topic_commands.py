"""`penstock topics`: create, list and read the topics of the log.

Owns how records are shown. What the topics are is `topics/catalog.py`.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

from deploy.open_log import open_log
from deploy.problems import UserError
from deploy.settings import Settings
from topics.catalog import BY_NAME, DEFAULT_QUEUE, JOBS_PREFIX, TOPICS, Topic
from topics.ports import Reader, Record
from topics.serde import DecodeError, decode, to_json

BATCH_RECORDS = 500
POLL_SECONDS = 1.0
IDLE_POLLS_MAX = 15
"""Seconds without a record, while the log says that there is one, after which reading gives up."""


def apply(settings: Settings) -> int:
    """Create the topics that are missing, mend the settings of the others, and say so."""
    if settings.kafka.bootstrap is None:
        print("The built-in log creates its topics when they are first used; nothing to do.")
        return 0
    from deploy.kafka_settings import create_topics

    applied = create_topics(settings)
    for name in applied.created:
        print(f"created {name}")
    for name, changes in applied.changed.items():
        print(f"changed {name}: {', '.join(f'{key}={value}' for key, value in changes.items())}")
    print(f"{len(applied.unchanged)} of {len(TOPICS)} topics were as they should be")
    return 0


def table(settings: Settings) -> int:
    """Print the table of topics, with the partitions that each has."""
    log = open_log(settings, must_exist=True)
    try:
        print(f"{'TOPIC':<22} {'PARTITIONS':>10}  {'CLEANUP':<8} {'KEY':<13} MESSAGES")
        for topic in TOPICS:
            messages = ", ".join(topic.messages)
            print(f"{topic.name:<22} {log.partitions(topic.name):>10}  {cleanup(topic):<8} {topic.key:<13} {messages}")
    finally:
        log.close()
    return 0


def cleanup(topic: Topic) -> str:
    """Return `compact`, `7 d` or `never`."""
    if topic.compacted:
        return "compact"
    return "never" if topic.retention_ms is None else f"{topic.retention_ms // 86_400_000} d"


def tail(settings: Settings, topic: str, *, key: str | None, from_end: bool, follow: bool) -> int:
    """Print the records of a topic as JSON lines.

    Args:
        settings: Where the log is.
        topic: Logical name, without the prefix of the cluster.
        key: Only records of this key.
        from_end: Begin with what comes after now.
        follow: Go on waiting for further records, until interrupted.
    """
    if topic not in BY_NAME and not topic.startswith(JOBS_PREFIX):
        known = ", ".join(name for name in BY_NAME if name != JOBS_PREFIX + DEFAULT_QUEUE)
        raise UserError(f"there is no topic {topic}; there are {known} and {JOBS_PREFIX}<queue>")
    log = open_log(settings, must_exist=True)
    try:
        reader = log.reader()
        ends = {}
        for partition in range(log.partitions(topic)):
            begin, end = log.begin_offset(topic, partition), log.end_offset(topic, partition)
            reader.add(topic, partition, end if from_end else begin)
            if begin < end and not from_end:
                ends[partition] = end
        read(reader, ends, key, follow)
    finally:
        log.close()
    return 0


def read(reader: Reader, ends: dict[int, int], key: str | None, follow: bool) -> None:
    """Print records until each partition has come to its end, or for ever."""
    idle = 0
    while follow or ends:
        records = reader.poll(BATCH_RECORDS, POLL_SECONDS)
        idle = 0 if records else idle + 1
        if idle >= IDLE_POLLS_MAX and not follow:
            raise UserError(
                f"no records came for {idle} s, though partitions {sorted(ends)} have some: is a broker down?"
            )
        for record in records:
            if key is None or record.key == key.encode():
                print(json.dumps(shown(record), ensure_ascii=False, default=str))
            if record.offset + 1 >= ends.get(record.partition, sys.maxsize):
                del ends[record.partition]
        sys.stdout.flush()


def shown(record: Record) -> dict[str, object]:
    """Return a record as JSON values; one that can't be decoded says why."""
    at = datetime.fromtimestamp(record.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    line: dict[str, object] = {
        "partition": record.partition,
        "offset": record.offset,
        "key": record.key.decode(errors="replace"),
        "at": at,
    }
    if not record.value:
        return {**line, "message": None}
    try:
        return {**line, "message": to_json(record.message or decode(record.value))}
    except DecodeError as error:
        return {**line, "error": str(error)}
