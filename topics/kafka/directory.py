"""What the cluster knows about topics: how many partitions, which offsets.

Owns the connection that every Kafka log has for such questions, and the check that a broker is there at all. It changes
nothing; `topics/kafka/admin.py` does.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from topics.kafka.client import AdminClient, ClusterMetadata
from topics.kafka.errors import MISSING, REFUSED, UNTRUSTED, cause_of, explain, passes, topic_missing, unreachable
from topics.kafka.settings import KafkaSettings, client_properties, consumer_properties
from topics.ports import FatalLogError

_T = TypeVar("_T")
_ASK_S = 0.5
"""How long one try for metadata waits; between tries we look whether the broker refused us, which won't mend."""

NEWS_S = 2.0
"""A topic that was made a moment ago is not known to every broker yet."""
NEWS_SLICE_S = 0.02


def connect(settings: KafkaSettings) -> tuple[AdminClient, ClusterMetadata]:
    """Return a connected admin client and what the cluster said first.

    Raises:
        FatalLogError: If the broker refuses us, or speaks no TLS that we trust.
        LogError: If none answers in `connect_timeout_ms`.
    """
    seen: list[KafkaError] = []
    properties: dict[str, Any] = {**client_properties(settings), **settings.extra, "error_cb": seen.append}
    try:
        admin = AdminClient(properties)
    except KafkaException as exception:
        raise FatalLogError(f"Kafka settings: {cause_of(exception).str()}") from exception
    deadline = time.monotonic() + settings.connect_timeout_ms / 1000
    while True:
        try:
            return admin, admin.list_topics(timeout=min(_ASK_S, max(0.05, deadline - time.monotonic())))
        except KafkaException as exception:
            admin.poll(0)
            refused = any(error.code() in REFUSED | UNTRUSTED for error in seen)
            if refused or time.monotonic() >= deadline:
                raise unreachable(settings, seen or [cause_of(exception)]) from exception


class Directory:
    """Answers about topics; any thread may ask."""

    def __init__(self, settings: KafkaSettings) -> None:
        """Connect; raises as `connect` does."""
        self._settings = settings
        self.admin, metadata = connect(settings)
        self._counts = {name: len(topic.partitions) for name, topic in metadata.topics.items() if topic.partitions}
        self._offsets: Consumer | None = None
        self._lock = threading.Lock()

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; asked once, as the number never changes while we run."""
        name = self._settings.topic(topic)
        count = self._counts.get(name)
        if count is None:
            count = self._counts[name] = self._count(name)
        return count

    def check(self, topic: str, partition: int) -> None:
        """Raise FatalLogError unless the partition exists."""
        count = self.partitions(topic)
        if not 0 <= partition < count:
            raise FatalLogError(
                f"topic {self._settings.topic(topic)!r} has {count} partitions, so there is no partition {partition}: "
                "all parts of Penstock must be started with the number that its topics were created with"
            )

    def watermarks(self, topic: str, partition: int) -> tuple[int, int]:
        """Return the first offset that is left and the one that the next record will get."""
        self.check(topic, partition)
        with self._lock:
            if self._offsets is None:
                self._offsets = Consumer(consumer_properties(self._settings, "offsets"))
            where = TopicPartition(self._settings.topic(topic), partition)
            consumer = self._offsets
        found = self._ask(
            lambda wait_s: consumer.get_watermark_offsets(where, timeout=wait_s),
            f"asking for the offsets of {where.topic!r}, partition {partition}",
        )
        assert found is not None
        return found

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._offsets is not None:
                self._offsets.close()
                self._offsets = None

    def _count(self, name: str) -> int:
        deadline = time.monotonic() + NEWS_S
        while True:
            doing = f"asking for topic {name!r}"
            metadata = self._ask(lambda wait_s: self.admin.list_topics(name, timeout=wait_s), doing)
            found = metadata.topics[name]
            if found.error is None and found.partitions:
                return len(found.partitions)
            if found.error is not None and found.error.code() not in MISSING:
                raise explain(self._settings, found.error, doing)
            if time.monotonic() >= deadline:
                raise topic_missing(name)
            time.sleep(NEWS_SLICE_S)

    def _ask(self, question: Callable[[float], _T], doing: str) -> _T:
        deadline = time.monotonic() + self._settings.connect_timeout_ms / 1000
        while True:
            try:
                return question(max(NEWS_SLICE_S, deadline - time.monotonic()))
            except KafkaException as exception:
                error = cause_of(exception)
                if not passes(error) or time.monotonic() >= deadline:
                    raise explain(self._settings, error, doing) from exception
            time.sleep(NEWS_SLICE_S)
