"""Makes the topics of `topics/catalog.py` on a Kafka cluster, and mends their settings.

Owns what a row of the table means in Kafka's terms. It never deletes a topic, and never changes a number of partitions
where records have keys: keys would move, and with them the order of what happened to an execution.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException

from topics.catalog import COMPACTION_LAG_MS, JOBS_PREFIX, TOPICS, Topic
from topics.kafka.client import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
    TopicMetadata,
)
from topics.kafka.directory import NEWS_S, NEWS_SLICE_S, connect
from topics.kafka.errors import MISSING, cause_of, explain
from topics.kafka.settings import KafkaSettings
from topics.kafka.share_groups import has_share_groups
from topics.ports import FatalLogError, LogError

_REPLICATION = 3
_WORK_S = 30.0
"""Limit of one request that makes or changes topics; brokers take seconds to agree on dozens of them."""


class TopicsApplied(msgspec.Struct, frozen=True):
    """What `apply_topics` did; logical names."""

    created: tuple[str, ...] = ()
    changed: dict[str, dict[str, str]] = {}
    """For each topic whose settings differed: which, and their new values (`partitions` among them)."""
    unchanged: tuple[str, ...] = ()


class TopicState(msgspec.Struct, frozen=True):
    """What a topic is like on the cluster."""

    name: str
    exists: bool
    partitions: int = 0
    replication: int = 0
    settings: dict[str, str] = {}
    """Those that `apply_topics` cares for."""


def is_job_queue(topic: Topic) -> bool:
    """Return whether a topic's records are doorbells: they have no key, so that its partitions may grow."""
    return topic.name.startswith(JOBS_PREFIX)


def topic_settings(settings: KafkaSettings, topic: Topic, copies: int) -> dict[str, str]:
    """Return a topic's settings in Kafka's terms; `copies` is its replication."""
    found = {
        "cleanup.policy": "compact" if topic.compacted else "delete",
        "max.message.bytes": str(settings.batch_bytes_max),
        # As the producer made them: brokers needn't pack anew.
        "compression.type": "producer",
        # The time of a record is when the log accepted it, whatever clock its producer has.
        "message.timestamp.type": "LogAppendTime",
        # With three copies one broker may be away and writing goes on, and no acknowledged record hangs on one disk.
        "min.insync.replicas": "2" if copies >= _REPLICATION else "1",
        "unclean.leader.election.enable": "false",
    }
    if topic.compacted:
        found["min.compaction.lag.ms"] = str(COMPACTION_LAG_MS)
    else:
        found["retention.ms"] = "-1" if topic.retention_ms is None else str(topic.retention_ms)
        found["retention.bytes"] = "-1"
    return found


def apply_topics(settings: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> TopicsApplied:
    """Create the topics that are missing, and set what differs on those that are there.

    Raises:
        FatalLogError: If a topic has another number of partitions than the settings say, before anything is changed; or
            if the cluster forbids it.
        LogError: If no broker answers.
    """
    cluster = _Cluster(settings, topics)
    cluster.refuse_other_partitions()
    cluster.choose_job_transport()
    created = cluster.create()
    changed = cluster.mend(created)
    for name, partitions in cluster.grow().items():
        changed.setdefault(name, {})["partitions"] = str(partitions)
    unchanged = (topic.name for topic in topics if topic.name not in changed and topic.name not in created)
    return TopicsApplied(tuple(created), changed, tuple(unchanged))


def describe_topics(settings: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> list[TopicState]:
    """Return what each topic is like on the cluster; raises as `apply_topics` does."""
    cluster = _Cluster(settings, topics)
    values = cluster.values([topic for topic in topics if topic.name in cluster.there])
    states = []
    for topic in topics:
        found = cluster.there.get(topic.name)
        if found is None:
            states.append(TopicState(topic.name, exists=False))
            continue
        copies = cluster.copies(topic)
        ours = {name: values[topic.name].get(name, "") for name in topic_settings(settings, topic, copies)}
        states.append(TopicState(topic.name, True, len(found.partitions), copies, ours))
    return states


def _is_missing(future: Future[Any]) -> bool:
    with contextlib.suppress(FutureTimeout):
        error = future.exception(_WORK_S)
        return isinstance(error, KafkaException) and cause_of(error).code() in MISSING
    return False


class _Cluster:
    """The topics as the cluster has them, and the work on them."""

    def __init__(self, settings: KafkaSettings, topics: Sequence[Topic]) -> None:
        self._settings = settings
        self._topics = topics
        self._admin, metadata = connect(settings)
        self._share_groups = settings.job_transport == "share"
        self._copies = settings.replication or min(_REPLICATION, len(metadata.brokers))
        names = {topic.name: settings.topic(topic.name) for topic in topics}
        self.there: dict[str, TopicMetadata] = {
            topic: metadata.topics[name] for topic, name in names.items() if name in metadata.topics
        }

    def copies(self, topic: Topic) -> int:
        """Return how many copies a topic has, or would get."""
        found = self.there.get(topic.name)
        if found is None:
            return self._copies
        return min(len(partition.replicas) for partition in found.partitions.values())

    def partitions(self, topic: Topic) -> int:
        """Return how many partitions a topic should have.

        A share group divides partitions among its members unless it has more members than partitions, and a worker
        whose slots are full holds up the doorbells of its own. With one partition every worker takes from it. A classic
        group needs one for each worker instead.
        """
        if not topic.sharded or (is_job_queue(topic) and self._share_groups):
            return 1
        return self._settings.partitions

    def refuse_other_partitions(self) -> None:
        for topic in self._topics:
            if topic.name not in self.there or is_job_queue(topic):
                continue
            has, wanted = len(self.there[topic.name].partitions), self.partitions(topic)
            if has == wanted:
                continue
            remedy = f"set kafka.partitions to {has}" if topic.sharded else "this topic must have one; who made it?"
            raise FatalLogError(
                f"topic {self._name(topic)!r} has {has} partitions, but the settings say {wanted}. The number is fixed "
                f"when topics are created, as keys would move to other partitions: {remedy}, or start afresh under "
                "another topic prefix"
            )

    def choose_job_transport(self) -> None:
        """Find out how jobs will be taken where that decides a number of partitions."""
        if self._settings.job_transport != "auto":
            return
        if any(is_job_queue(topic) and topic.name not in self.there for topic in self._topics):
            self._share_groups = has_share_groups(self._settings)

    def create(self) -> list[str]:
        missing = [topic for topic in self._topics if topic.name not in self.there]
        if not missing:
            return []
        wanted = [
            NewTopic(
                self._name(topic),
                num_partitions=self.partitions(topic),
                replication_factor=self._copies,
                config=topic_settings(self._settings, topic, self._copies),
            )
            for topic in missing
        ]
        futures = self._admin.create_topics(wanted, operation_timeout=_WORK_S, request_timeout=_WORK_S)
        created = []
        for topic in missing:
            if self._was_created(topic, futures[self._name(topic)]):
                created.append(topic.name)
        return created

    def _was_created(self, topic: Topic, future: Future[Any]) -> bool:
        name = self._name(topic)
        try:
            future.result(_WORK_S)
        except KafkaException as exception:
            error = cause_of(exception)
            if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
                return False  # another process was quicker; its settings are looked at like any old topic's
            if error.code() == KafkaError.INVALID_REPLICATION_FACTOR:
                raise FatalLogError(
                    f"topic {name!r} can't have {self._copies} copies ({error.str()}): start more brokers, or set "
                    "kafka.replication"
                ) from exception
            raise explain(self._settings, error, f"creating topic {name!r}") from exception
        return True

    def mend(self, created: Sequence[str]) -> dict[str, dict[str, str]]:
        """Set what differs; return the changes by logical name."""
        old = [topic for topic in self._topics if topic.name not in created]
        values = self.values(old)
        changed: dict[str, dict[str, str]] = {}
        for topic in old:
            wanted = topic_settings(self._settings, topic, self.copies(topic))
            differing = {name: value for name, value in wanted.items() if values[topic.name].get(name) != value}
            if differing:
                changed[topic.name] = differing
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                self._settings.topic(name),
                incremental_configs=[
                    ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                    for key, value in changes.items()
                ],
            )
            for name, changes in changed.items()
        ]
        if resources:
            futures = self._admin.incremental_alter_configs(resources, request_timeout=_WORK_S)
            for resource, future in futures.items():
                self._result(future, f"changing the settings of topic {resource.name!r}")
        return changed

    def grow(self) -> dict[str, int]:
        """Give job queues the partitions that a classic group needs, if they were made for a share group."""
        if self._settings.job_transport != "classic":
            return {}
        wanted = {
            topic.name: self.partitions(topic)
            for topic in self._topics
            if is_job_queue(topic)
            and topic.name in self.there
            and len(self.there[topic.name].partitions) < self.partitions(topic)
        }
        if wanted:
            requests = [NewPartitions(self._settings.topic(name), count) for name, count in wanted.items()]
            for name, future in self._admin.create_partitions(requests, request_timeout=_WORK_S).items():
                self._result(future, f"adding partitions to topic {name!r}")
        return wanted

    def values(self, topics: Sequence[Topic]) -> dict[str, dict[str, str]]:
        """Return the settings of topics on the cluster by logical name."""
        if not topics:
            return {}
        names = {self._name(topic): topic.name for topic in topics}
        found: dict[str, dict[str, str]] = {}
        deadline = time.monotonic() + NEWS_S
        while missing := [name for name, topic in names.items() if topic not in found]:
            resources = [ConfigResource(ResourceType.TOPIC, name) for name in missing]
            for resource, future in self._admin.describe_configs(resources, request_timeout=_WORK_S).items():
                # One that was made a moment ago may not be known to the broker that is asked.
                if _is_missing(future) and time.monotonic() < deadline:
                    continue
                entries = self._result(future, f"reading the settings of topic {resource.name!r}")
                found[names[resource.name]] = {name: entry.value for name, entry in entries.items()}
            if len(found) < len(names):
                time.sleep(NEWS_SLICE_S)
        return found

    def _name(self, topic: Topic) -> str:
        return self._settings.topic(topic.name)

    def _result(self, future: Future[Any], doing: str) -> Any:
        try:
            return future.result(_WORK_S)
        except KafkaException as exception:
            raise explain(self._settings, cause_of(exception), doing) from exception
        except FutureTimeout as exception:
            raise LogError(
                f"{doing}: the Kafka cluster at {self._settings.bootstrap} didn't answer in {_WORK_S:.0f} s"
            ) from exception
