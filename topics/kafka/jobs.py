"""Takes doorbells off a job queue on Kafka: by a share group, or by a classic consumer group.

Owns the choice between the two. A share group hands each record to whoever asks, so a busy worker holds nothing up, as
long as the topic has no more partitions than there are workers; a classic group gives whole partitions to its members.
In both a doorbell counts as done when it is taken: what it announces is an outstanding row of its execution, rung again
if nobody claims it, so a doorbell that a crash swallows is late, not lost.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Protocol

from confluent_kafka import Consumer, KafkaException, Message, ShareConsumer, TopicPartition

from topics.kafka.channel import Channels, Kind
from topics.kafka.directory import Directory
from topics.kafka.errors import FORBIDDEN, UNSUPPORTED, cause_of, explain
from topics.kafka.intake import record_of
from topics.kafka.settings import KafkaSettings, member_properties, share_properties
from topics.kafka.share_groups import prepare_share_group, share_group
from topics.ports import FatalLogError, LogError, Record

log = logging.getLogger(__name__)

_HAND_BACK_S = 2.0
"""How long handing back waits for the brokers: what they don't get in time is rung again by its executor."""
_SETTLE_S = (0.1, 0.3, 1.0)
"""How long a new member of a share group waits for its first record before it joins again, each time."""


class _Taker(Protocol):
    def poll(self, max_records: int, wait_s: float) -> list[Record]:
        """Return doorbells, waiting at most `wait_s` (a slice) while there is none."""
        ...

    def give_up(self) -> list[Record]:
        """Return what was fetched and not asked for yet, and forget it."""
        ...

    def close(self) -> None: ...


class KafkaJobSource:
    """A `topics.ports.JobSource`."""

    def __init__(
        self, settings: KafkaSettings, directory: Directory, channels: Channels, topic: str, group: str
    ) -> None:
        """Join the group."""
        self._channels = channels
        self._partitions = directory.partitions(topic)
        self._settings = settings
        self._topic = topic
        self._group = group
        self._slice_s = settings.wake_slice_ms / 1000
        self._return_now = False
        self._closed = False
        self._taker: _Taker
        if settings.job_transport == "classic":
            self._taker = _ClassicTaker(settings, topic, group)
        else:
            self._taker = self._share(directory)

    def take(self, max_records: int, timeout_s: float) -> list[Record]:
        """Return at most `max_records` doorbells; see the port."""
        if self._closed:
            raise LogError("the job source is closed")
        deadline = time.monotonic() + timeout_s
        while True:
            wait_s = 0.0 if self._return_now else min(self._slice_s, max(0.0, deadline - time.monotonic()))
            try:
                records = self._taker.poll(max_records, wait_s)
            except KafkaException as exception:
                self._fall_back(exception)
                continue
            if records or self._return_now or time.monotonic() >= deadline:
                self._return_now = False
                return records

    def hand_back(self) -> None:
        """Ring again, for others, what was fetched and not taken; see the port."""
        given_up = self._taker.give_up()
        if not given_up:
            return
        channel = self._channels.open(Kind.DOORBELLS)
        try:
            for record in given_up:
                channel.send(self._topic, record.partition, record.key, record.value, None)
            deadline = time.monotonic() + _HAND_BACK_S
            while channel.owed and time.monotonic() < deadline:
                channel.poll(self._slice_s)
        except (KafkaException, BufferError) as problem:
            log.debug("doorbells couldn't be handed back, their executors will ring again: %s", problem)
        channel.acks.clear()
        self._channels.give_back(channel)

    def wake(self) -> None:
        """Make a waiting `take` return now."""
        self._return_now = True

    def close(self) -> None:
        """Leave the group; again does nothing."""
        if not self._closed:
            self._closed = True
            self.hand_back()
            self._taker.close()

    def _share(self, directory: Directory) -> _Taker:
        prepare_share_group(self._settings, directory.admin, self._group)
        try:
            return _ShareTaker(self._settings, self._topic, self._group)
        except ValueError as problem:  # a property that the client refuses here, from the operator's `extra`
            return self._classic(str(problem))

    def _fall_back(self, exception: KafkaException) -> None:
        error = cause_of(exception)
        if not isinstance(self._taker, _ShareTaker) or error.code() not in UNSUPPORTED:
            raise explain(self._settings, error, f"taking jobs from {self._topic!r}") from exception
        self._taker.close()
        self._taker = self._classic(error.str())

    def _classic(self, reason: str) -> _Taker:
        where = self._settings.bootstrap
        if self._settings.job_transport == "share":
            raise FatalLogError(
                f"no share group can be joined on the Kafka cluster at {where} ({reason}): set the job transport to "
                "auto or classic, or upgrade the brokers to 4.2 or newer with feature share.version=1"
            )
        log.info("jobs of %s are taken by a classic consumer group, as no share group works: %s", self._topic, reason)
        if self._partitions == 1:
            log.warning(
                "topic %s has one partition, so that only one worker at a time gets its jobs: "
                "set the job transport to classic and run `penstock topics apply`",
                self._topic,
            )
        return _ClassicTaker(self._settings, self._topic, self._group)


class _ShareTaker:
    """A member of a share group.

    It fetches as many records as it may, whatever it is asked for: how many, a member says for all its life. They are
    acknowledged when they are handed out; the rest is for the next `poll`, or is given up when none comes.
    """

    def __init__(self, settings: KafkaSettings, topic: str, group: str) -> None:
        self._topic = topic
        self._name = settings.topic(topic)
        self._properties = share_properties(settings, share_group(group))
        self._held: deque[Message] = deque()
        self._settle = [*_SETTLE_S]
        self._settle_at: float | None = None
        self._consumer = self._join()

    def _join(self) -> ShareConsumer:
        consumer = ShareConsumer(self._properties)
        consumer.subscribe([self._name])
        return consumer

    def poll(self, max_records: int, wait_s: float) -> list[Record]:
        if not self._held:
            self._held.extend(self._consumer.poll(wait_s))
            self._join_again()
        records: list[Record] = []
        while self._held and len(records) < max_records:
            message = self._held.popleft()
            error = message.error()
            if error is not None:
                if error.fatal() or error.code() in UNSUPPORTED | FORBIDDEN:
                    raise KafkaException(error)
                continue
            self._acknowledge(message)
            records.append(record_of(message, self._topic))
        # With room left the taker comes again at once, and the acknowledgement travels with that request.
        if records and len(records) == max_records:
            self._consumer.commit_async()
        return records

    def give_up(self) -> list[Record]:
        given_up = [message for message in self._held if message.error() is None]
        self._held.clear()
        for message in given_up:
            self._acknowledge(message)
        if given_up:
            self._consumer.commit_async()
        return [record_of(message, self._topic) for message in given_up]

    def _acknowledge(self, message: Message) -> None:
        try:
            self._consumer.acknowledge(message)
        except (KafkaException, RuntimeError) as lapsed:
            log.debug("a doorbell's lock had ended before it was taken; another worker may get it too: %s", lapsed)

    def _join_again(self) -> None:
        """Join again if nothing came for a while since the start.

        The first member that a group ever has is told of its partitions with its second heartbeat, five seconds after
        it came, but at once when it joins a group that exists. Whether it was told, the client doesn't say.
        """
        if not self._settle:
            return
        if self._held:
            self._settle.clear()
            return
        now = time.monotonic()
        if self._settle_at is None:
            self._settle_at = now + self._settle[0]
        elif now >= self._settle_at:
            del self._settle[0]
            self._settle_at = None
            self._consumer.close()
            self._consumer = self._join()

    def close(self) -> None:
        try:
            self._consumer.close()
        except KafkaException as problem:
            log.debug("the share group was not left in order: %s", problem)


class _ClassicTaker:
    """A member of a classic consumer group that commits what it takes."""

    def __init__(self, settings: KafkaSettings, topic: str, group: str) -> None:
        self._topic = topic
        self._name = settings.topic(topic)
        self._consumer = Consumer({**member_properties(settings, group), "auto.offset.reset": "earliest"})
        self._consumer.subscribe([self._name])

    def poll(self, max_records: int, wait_s: float) -> list[Record]:
        first = self._consumer.poll(wait_s)
        if first is None:
            return []
        messages = [first]
        if max_records > 1:
            messages += self._consumer.consume(max_records - 1, 0)
        records = []
        done: dict[int, int] = {}
        for message in messages:
            error = message.error()
            if error is not None:
                if error.fatal() or error.code() in FORBIDDEN:
                    raise KafkaException(error)
                continue
            record = record_of(message, self._topic)
            records.append(record)
            done[record.partition] = record.offset + 1
        if done:
            self._commit([TopicPartition(self._name, partition, offset) for partition, offset in done.items()])
        return records

    def _commit(self, offsets: list[TopicPartition]) -> None:
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as problem:
            log.debug("taken doorbells were not committed and may ring again: %s", problem)

    def give_up(self) -> list[Record]:
        return []  # it fetches no more than it is asked for

    def close(self) -> None:
        self._consumer.close()
