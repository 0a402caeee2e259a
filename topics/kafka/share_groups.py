"""Share groups as the cluster has them: whether it has any, and the settings that ours need.

Owns what is asked of the cluster about them. Taking records by one is in `topics/kafka/jobs.py`.
"""

from __future__ import annotations

import logging
import time
import uuid
from concurrent.futures import TimeoutError as FutureTimeout

from confluent_kafka import Consumer, KafkaException, ShareConsumer, TopicPartition

from topics.catalog import JOBS_PREFIX
from topics.kafka.client import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from topics.kafka.errors import UNSUPPORTED, cause_of
from topics.kafka.settings import KafkaSettings, consumer_properties, share_properties

log = logging.getLogger(__name__)

_PROBE_S = 0.7
"""When the group has a coordinator, the answer to the first heartbeat is there after some hundredths of a second."""
_COORDINATOR_S = 15.0
_PROBE_SLICE_S = 0.05
_SETTINGS = {
    # A new group would otherwise begin at the end, and the doorbells that rang before the first worker came be lost.
    "share.auto.offset.reset": "earliest",
    # Otherwise a new member is given partitions with its second heartbeat, five seconds after it came.
    "share.assignment.interval.ms": "0",
}


def share_group(group: str) -> str:
    """Return the name of the share group beside a classic one: a name is the one or the other, never both."""
    return f"{group}.share"


def prepare_share_group(settings: KafkaSettings, admin: AdminClient, group: str) -> None:
    """Set what a group needs. A refusal stops nobody: doorbells that its members miss are rung again."""
    name = settings.group(share_group(group))
    changes = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in _SETTINGS.items()]
    resource = ConfigResource(ResourceType.GROUP, name, incremental_configs=changes)
    wait_s = settings.connect_timeout_ms / 1000
    try:
        for future in admin.incremental_alter_configs([resource], request_timeout=wait_s).values():
            future.result(wait_s)
    except (KafkaException, FutureTimeout) as problem:
        log.warning("share group %s keeps the cluster's defaults (%s): its first jobs may come late", name, problem)


def has_share_groups(settings: KafkaSettings) -> bool:
    """Return whether the cluster offers share groups, found out by joining one.

    No request of the client library tells which features a cluster has switched on, but a cluster without them refuses
    a member's first heartbeat.
    """
    group = f"probe.{uuid.uuid4().hex}"
    _await_coordinator(settings, group)
    try:
        consumer = ShareConsumer(share_properties(settings, group))
    except (KafkaException, ValueError):
        return False
    try:
        consumer.subscribe([settings.topic(JOBS_PREFIX + group)])
        deadline = time.monotonic() + _PROBE_S
        while time.monotonic() < deadline:
            consumer.poll(_PROBE_SLICE_S)
    except KafkaException as exception:
        if cause_of(exception).code() in UNSUPPORTED:
            return False
        raise
    finally:
        consumer.close()
    return True


def _await_coordinator(settings: KafkaSettings, group: str) -> None:
    """Wait until somebody coordinates the group: a fresh cluster makes its inner topic for that first.

    By a consumer: requests of the admin client to a coordinator abort the process (librdkafka 2.16) if there is none.
    """
    consumer = Consumer(consumer_properties(settings, group))
    try:
        consumer.committed([TopicPartition(settings.topic(JOBS_PREFIX + group), 0)], timeout=_COORDINATOR_S)
    except KafkaException as problem:
        log.debug("nobody coordinates groups yet: %s", problem)
    finally:
        consumer.close()
