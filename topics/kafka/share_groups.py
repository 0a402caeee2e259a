"""Share groups as the cluster has them: whether it has any, and the settings that ours need.

Owns what is asked of the cluster about them. Taking records by one is in `topics/kafka/jobs.py`.
"""

from __future__ import annotations

import logging
import time
import uuid
from concurrent.futures import TimeoutError as FutureTimeout

from confluent_kafka import KafkaError, KafkaException, ShareConsumer

from topics.catalog import JOBS_PREFIX
from topics.kafka.client import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from topics.kafka.errors import UNSUPPORTED, cause_of
from topics.kafka.settings import KafkaSettings, share_properties

log = logging.getLogger(__name__)

_PROBE_S = 2.0
"""A cluster without share groups refuses the first heartbeat, which comes within a second."""
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


def has_share_groups(settings: KafkaSettings, admin: AdminClient) -> bool:
    """Return whether the cluster offers share groups, found out by joining one.

    No request of the client library tells which features a cluster has switched on.
    """
    group = f"probe.{uuid.uuid4().hex}"
    try:
        consumer = ShareConsumer(share_properties(settings, group))
    except (KafkaException, ValueError):
        return False
    try:
        consumer.subscribe([settings.topic(JOBS_PREFIX + group)])
        deadline = time.monotonic() + _PROBE_S
        while time.monotonic() < deadline:
            consumer.poll(_PROBE_SLICE_S)
            if _delete(settings, admin, group) == KafkaError.NON_EMPTY_GROUP:
                break
    except KafkaException as exception:
        if cause_of(exception).code() in UNSUPPORTED:
            return False
        raise
    finally:
        consumer.close()
    _delete(settings, admin, group)
    return True


def _delete(settings: KafkaSettings, admin: AdminClient, group: str) -> int | None:
    """Delete a group, and return the code of the error that hinders it."""
    wait_s = settings.connect_timeout_ms / 1000
    try:
        for future in admin.delete_consumer_groups([settings.group(group)], request_timeout=wait_s).values():
            future.result(wait_s)
    except KafkaException as exception:
        return cause_of(exception).code()
    except FutureTimeout:
        pass
    return None
