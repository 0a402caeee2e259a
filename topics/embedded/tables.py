"""The tables of the embedded log: topics and their partitions, groups' committed offsets; loaded when it opens.

Owns the check of what was stored: partition counts against the rules, and the newest entries of each partition against
their chain.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import msgspec
from rocksdict import Rdict, WriteBatch

from topics.embedded.layout import (
    FORMAT,
    FORMAT_KEY,
    HINT_PREFIX,
    OFFSET_MAX,
    TOPIC_PREFIX,
    Damaged,
    PartitionMeta,
    TopicMeta,
    entry_key,
    head,
    hint_key,
    offset_of,
    state_key,
    unpack,
)
from topics.embedded.partition import Partition
from topics.embedded.rules import TopicRules
from topics.embedded.store import REPAIR_HINT, Store
from topics.ports import FatalLogError, LogError

VERIFIED_ENTRIES = 64
"""How many of the newest entries of each partition are checked when the log opens; the others are when they are
read."""

TOPICS_MAX = 1 << 16


class Tables:
    """What the log knows about itself.

    Raises:
        FatalLogError: If stored partition counts differ from the rules, or bytes are damaged.
    """

    def __init__(self, store: Store, rules: TopicRules) -> None:
        self.rules = rules
        self._store = store
        self._lock = threading.Lock()
        self._topics: dict[str, TopicMeta] = {}
        self.by_name: dict[tuple[str, int], Partition] = {}
        self._hints: dict[bytes, int] = {}
        self._unsaved: dict[bytes, int] = {}
        self.on_commit: Callable[[], None] = lambda: None
        """Called after each `set_hint`, so that it gets stored in time."""
        with store.reading("The log's table of topics") as database:
            self._load(database)
        for partition in self.by_name.values():
            self._restore(partition)

    def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has, creating it if the rules know it. Raises FatalLogError."""
        meta = self._topics.get(topic)
        return meta.partitions if meta is not None else self._create(topic).partitions

    def find(self, topic: str, partition: int) -> Partition:
        """Return a partition, creating its topic if the rules know it. Raises FatalLogError."""
        found = self.by_name.get((topic, partition))
        if found is None:
            count = self.partitions(topic)
            if not 0 <= partition < count:
                raise FatalLogError(f"{topic} has no partition {partition}, it has {count}.")
            found = self.by_name[topic, partition]
        return found

    def all(self) -> list[Partition]:
        """Return the partitions that exist now."""
        return list(self.by_name.values())

    def hint(self, group: str, topic: str, partition: int) -> int | None:
        """Return the group's committed offset."""
        return self._hints.get(hint_key(group, topic, partition))

    def set_hint(self, key: bytes, offset: int) -> None:
        """Commit an offset under a `hint_key`. It is stored with the next sync: a crash may bring the old one back."""
        self._hints[key] = offset
        self._unsaved[key] = offset
        self.on_commit()

    def save_hints(self) -> bool:
        """Store commits that came since the last call; return whether there were any."""
        if not self._unsaved:
            return False
        unsaved, self._unsaved = self._unsaved, {}
        batch = WriteBatch(raw_mode=True)
        for key, offset in list(unsaved.items()):
            batch.put(key, offset.to_bytes(8, "big"))
        try:
            self._store.database.write(batch)
        except Exception:
            self._unsaved = {**unsaved, **self._unsaved}
            raise
        return True

    def refresh(self) -> None:
        """Take what every partition is from the database, which was opened anew. The caller holds the log's lock.

        Raises:
            FatalLogError: If records are gone that readers may have seen.
        """
        for partition in self.all():
            stored = Partition(
                partition.topic, partition.topic_number, partition.number, partition.limit, partition.single
            )
            self._restore(stored)
            if stored.end < partition.end:
                raise FatalLogError(
                    f"The disk lost {partition.topic}/{partition.number} from offset {stored.end} on, it was written "
                    f"up to {partition.end}. Start Penstock again: it goes on with what is left."
                )
            partition.adopt(stored)

    # -- opening -------------------------------------------------------------------------------------------------------

    def _load(self, database: Rdict) -> None:
        stored = database.get(FORMAT_KEY)
        if stored is None:
            database.put(FORMAT_KEY, bytes([FORMAT]))
        elif stored != bytes([FORMAT]):
            raise FatalLogError(
                f"The log was written in format {stored[0]}, this version of Penstock reads format {FORMAT}. "
                "Start the version that wrote it."
            )
        for key, value in _scan(database, TOPIC_PREFIX):
            topic = key[len(TOPIC_PREFIX) :].decode()
            meta = msgspec.msgpack.decode(value, type=TopicMeta)
            self._require_same_count(topic, meta)
            self._add(topic, meta)
        for key, value in _scan(database, HINT_PREFIX):
            self._hints[key] = int.from_bytes(value, "big")

    def _require_same_count(self, topic: str, meta: TopicMeta) -> None:
        try:
            wanted = self.rules.partitions(topic)
        except KeyError:
            return
        if wanted != meta.partitions:
            raise FatalLogError(
                f"{topic} was created with {meta.partitions} partitions and can't have {wanted}: keys would change "
                f"their partition. Set the partition count back to {meta.partitions}, or start with a new directory."
            )

    def _create(self, topic: str) -> TopicMeta:
        try:
            count = self.rules.partitions(topic)
        except KeyError:
            raise FatalLogError(f"There is no topic {topic!r}.") from None
        with self._lock:
            meta = self._topics.get(topic)
            if meta is None:
                assert len(self._topics) < TOPICS_MAX, "a topic's number has two bytes"
                meta = TopicMeta(len(self._topics), count)
                try:
                    self._store.database.put(TOPIC_PREFIX + topic.encode(), msgspec.msgpack.encode(meta))
                except Exception as error:
                    raise LogError(f"The topic {topic} couldn't be created: {error}") from error
                self._add(topic, meta)
        return meta

    def _add(self, topic: str, meta: TopicMeta) -> None:
        single = self.rules.compacted(topic)
        for number in range(meta.partitions):
            self.by_name[topic, number] = Partition(topic, meta.number, number, self.rules.record_bytes_max, single)
        self._topics[topic] = meta

    def _restore(self, partition: Partition) -> None:
        with self._store.reading(f"The begin of {partition.topic}/{partition.number}") as database:
            state = database.get(state_key(partition.topic_number, partition.number))
        if state is not None:
            meta = msgspec.msgpack.decode(state, type=PartitionMeta)
            partition.begin = partition.end = meta.begin
            partition.chain = meta.chain
        self._verify_newest(partition)
        partition.window = (partition.end, [])

    def _verify_newest(self, partition: Partition) -> None:
        """Check the newest entries backwards, and take end and chain from the last."""
        follower: tuple[int, bytes] | None = None
        for key, value in self._newest(partition):
            first = offset_of(key)
            try:
                before, own, _, count = head(value)
                end = first + count
                unpack(key, value)
                if follower is not None and follower != (end, own) and (follower[0] == end or not partition.single):
                    raise Damaged("the entry after it doesn't follow on it")
            except Damaged as error:
                raise FatalLogError(
                    f"{partition.topic}/{partition.number} is damaged at offset {first}: {error}. {REPAIR_HINT}"
                ) from None
            if follower is None:
                partition.end = end
                partition.chain = own
            follower = (first, before)

    def _newest(self, partition: Partition) -> Iterator[tuple[bytes, bytes]]:
        stored = self._store.database.iter()
        stored.seek_for_prev(entry_key(partition.prefix, OFFSET_MAX))
        begin = entry_key(partition.prefix, partition.begin)
        where = "its end"
        for _ in range(VERIFIED_ENTRIES):
            with self._store.reading(f"{partition.topic}/{partition.number} before {where}"):
                stored.status()
                if not (stored.valid() and begin <= stored.key() and stored.key().startswith(partition.prefix)):
                    return
                key, value = stored.key(), stored.value()
                where = f"offset {offset_of(key)}"
                stored.prev()
            yield key, value


def _scan(database: Rdict, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    stored = database.iter()
    stored.seek(prefix)
    while stored.valid() and stored.key().startswith(prefix):
        yield stored.key(), stored.value()
        stored.next()
    stored.status()
