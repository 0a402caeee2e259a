"""Makes the topics of `topics/catalog.py` on a Kafka cluster, and mends their settings.

Owns what a row of the table means in Kafka's terms. It never deletes a topic and never changes a number of partitions:
keys would move, and with them the order of what happened to an execution.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException

from topics.catalog import JOBS_PREFIX, TOPICS, Topic
from topics.kafka.client import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
    TopicMetadata,
)
from topics.kafka.directory import connect
from topics.kafka.errors import cause_of, explain
from topics.kafka.settings import BATCH_BYTES_MAX, KafkaSettings
from topics.ports import FatalLogError, LogError

_REPLICATION = 3
_WORK_S = 30.0
"""Limit of one request that makes or changes topics; brokers take seconds to agree on dozens of them."""


class TopicsApplied(msgspec.Struct, frozen=True):
    """What `apply_topics` did; logical names."""

    created: tuple[str, ...] = ()
    changed: dict[str, dict[str, str]] = {}
    """For each topic whose settings differed: which, and their new values."""
    unchanged: tuple[str, ...] = ()


class TopicState(msgspec.Struct, frozen=True):
    """What a topic is like on the cluster."""

    name: str
    exists: bool
    partitions: int = 0
    replication: int = 0
    settings: dict[str, str] = {}
    """Those that `apply_topics` cares for."""


def topic_settings(topic: Topic, copies: int) -> dict[str, str]:
    """Return a topic's settings in Kafka's terms; `copies` is its replication."""
    found = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "max.message.bytes": str(BATCH_BYTES_MAX),
        # As the producer made them: brokers needn't pack anew.
        "compression.type": "producer",
        # The time of a record is when the log accepted it, whatever clock its producer has.
        "message.timestamp.type": "LogAppendTime",
        # With three copies one broker may be away and writing goes on, and no acknowledged record hangs on one disk.
        "min.insync.replicas": "2" if copies >= _REPLICATION else "1",
        "unclean.leader.election.enable": "false",
    }
    if not topic.compacted:
        found["retention.ms"] = "-1" if topic.retention_ms is None else str(topic.retention_ms)
        found["retention.bytes"] = "-1"
    return found


def partitions_of(settings: KafkaSettings, topic: Topic) -> int:
    """Return how many partitions a topic is created with."""
    return settings.partitions if topic.sharded else 1


def apply_topics(settings: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> TopicsApplied:
    """Create the topics that are missing, and set what differs on those that are there.

    Raises:
        FatalLogError: If a topic has another number of partitions than the settings say, before anything is changed; or
            if the cluster forbids it.
        LogError: If no broker answers.
    """
    admin, metadata = connect(settings)
    there = {
        topic.name: metadata.topics[name] for topic in topics if (name := settings.topic(topic.name)) in metadata.topics
    }
    _refuse_other_partitions(settings, topics, there)
    copies = settings.replication or min(_REPLICATION, len(metadata.brokers))
    created = _create(settings, admin, [topic for topic in topics if topic.name not in there], copies)
    old = [topic for topic in topics if topic.name not in created]
    changed = _mend(settings, admin, old, there, copies)
    return TopicsApplied(tuple(created), changed, tuple(t.name for t in old if t.name not in changed))


def describe_topics(settings: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> list[TopicState]:
    """Return what each topic is like on the cluster; raises as `apply_topics` does."""
    admin, metadata = connect(settings)
    there = {
        topic.name: metadata.topics[name] for topic in topics if (name := settings.topic(topic.name)) in metadata.topics
    }
    values = _settings_on_cluster(settings, admin, [topic for topic in topics if topic.name in there])
    states = []
    for topic in topics:
        found = there.get(topic.name)
        if found is None:
            states.append(TopicState(topic.name, exists=False))
            continue
        ours = {name: values[topic.name].get(name, "") for name in topic_settings(topic, _copies(found))}
        states.append(TopicState(topic.name, True, len(found.partitions), _copies(found), ours))
    return states


def _copies(found: TopicMetadata) -> int:
    return min((len(partition.replicas) for partition in found.partitions.values()), default=0)


def _refuse_other_partitions(settings: KafkaSettings, topics: Iterable[Topic], there: dict[str, TopicMetadata]) -> None:
    for topic in topics:
        if topic.name not in there or topic.name.startswith(JOBS_PREFIX):
            continue  # doorbells have no key: any number of partitions does
        has, wanted = len(there[topic.name].partitions), partitions_of(settings, topic)
        if has == wanted:
            continue
        remedy = f"set kafka.partitions to {has}" if topic.sharded else "this topic must have one; was it made by hand?"
        raise FatalLogError(
            f"topic {settings.topic(topic.name)!r} has {has} partitions, but the settings say {wanted}. The number is "
            f"fixed when topics are created, as keys would move to other partitions: {remedy}, or start afresh under "
            "another topic prefix"
        )


def _create(settings: KafkaSettings, admin: AdminClient, topics: Sequence[Topic], copies: int) -> list[str]:
    if not topics:
        return []
    wanted = [
        NewTopic(
            settings.topic(topic.name),
            num_partitions=partitions_of(settings, topic),
            replication_factor=copies,
            config=topic_settings(topic, copies),
        )
        for topic in topics
    ]
    futures = admin.create_topics(wanted, operation_timeout=_WORK_S, request_timeout=_WORK_S)
    created = []
    for topic in topics:
        name = settings.topic(topic.name)
        try:
            futures[name].result()
        except KafkaException as exception:
            error = cause_of(exception)
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                continue  # another process was quicker; its settings are looked at like any old topic's
            if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                raise FatalLogError(
                    f"topic {name!r} can't have {copies} copies ({error.str()}): start more brokers, or set "
                    "kafka.replication"
                ) from exception
            raise explain(settings, error, f"creating topic {name!r}") from exception
        created.append(topic.name)
    return created


def _mend(
    settings: KafkaSettings,
    admin: AdminClient,
    topics: Sequence[Topic],
    there: dict[str, TopicMetadata],
    copies: int,
) -> dict[str, dict[str, str]]:
    values = _settings_on_cluster(settings, admin, topics)
    changed: dict[str, dict[str, str]] = {}
    for topic in topics:
        found = there.get(topic.name)
        wanted = topic_settings(topic, copies if found is None else _copies(found))
        differing = {name: value for name, value in wanted.items() if values[topic.name].get(name) != value}
        if differing:
            changed[topic.name] = differing
    resources = [
        ConfigResource(
            ResourceType.TOPIC,
            settings.topic(name),
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in values.items()
            ],
        )
        for name, values in changed.items()
    ]
    if resources:
        for resource, future in admin.incremental_alter_configs(resources, request_timeout=_WORK_S).items():
            _result(settings, future, f"changing the settings of topic {resource.name!r}")
    return changed


def _settings_on_cluster(
    settings: KafkaSettings, admin: AdminClient, topics: Sequence[Topic]
) -> dict[str, dict[str, str]]:
    if not topics:
        return {}
    names = {settings.topic(topic.name): topic.name for topic in topics}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found = {}
    for resource, future in admin.describe_configs(resources, request_timeout=_WORK_S).items():
        entries = _result(settings, future, f"reading the settings of topic {resource.name!r}")
        found[names[resource.name]] = {name: entry.value for name, entry in entries.items()}
    return found


def _result(settings: KafkaSettings, future: Future[Any], doing: str) -> Any:
    try:
        return future.result(_WORK_S)
    except KafkaException as exception:
        raise explain(settings, cause_of(exception), doing) from exception
    except TimeoutError as exception:
        raise LogError(
            f"{doing}: the Kafka cluster at {settings.bootstrap} didn't answer in {_WORK_S:.0f} s"
        ) from exception
