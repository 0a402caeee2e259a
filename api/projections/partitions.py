"""Where the views stand in each partition of the log, and which of its records count.

Owns the step-log state that is stored beside the views, and how reading begins where retention has cut the log.
"""

from __future__ import annotations

from collections.abc import Iterable

from api.projections import tables
from api.projections.database import Connection
from topics import catalog
from topics.messages import Claim, Step
from topics.ports import Log
from topics.step_log import StepFold

TOPICS = (catalog.FLOWS_EVENTS, catalog.EXECUTIONS_EVENTS, catalog.TRIGGERS_EVENTS, catalog.LOGS, catalog.METRICS)
"""What the views are folded from."""


class Partition:
    """One partition as the views have folded it."""

    __slots__ = ("adopting", "fold", "number", "stored", "topic")

    def __init__(self, topic: str, number: int, fold: StepFold, adopting: bool, stored: int | None) -> None:
        self.topic = topic
        self.number = number
        self.fold = fold
        """For topics without steps only its offset is used."""
        self.adopting = adopting
        """The beginning of the log is gone and no claim was met yet: epoch and number are taken from what is there."""
        self.stored = stored
        """Offset in the database; None if it has no row yet."""

    def counts(self, message: Claim | Step, offset: int) -> bool:
        """Take the next record in, and tell whether it counts."""
        if self.adopting:
            self._adopt(message)
        return self.fold.counts(message, offset)

    def passed(self, offset: int) -> None:
        """Take a record of a topic without steps in."""
        self.fold.offset = offset + 1

    def copy(self) -> Partition:
        """Return the same position, to come back to if a batch fails."""
        fold = self.fold
        kept = StepFold(fold.epoch, fold.owner, fold.next_n, fold.offset)
        return Partition(self.topic, self.number, kept, self.adopting, self.stored)

    def _adopt(self, message: Claim | Step) -> None:
        """Take over where the log stands, until a step follows a claim that was read.

        A step under a higher epoch than any before proves a claim that retention has removed. After a claim that was
        read, its owner's first step tells the number.
        """
        fold = self.fold
        if isinstance(message, Claim):
            return
        if message.epoch > fold.epoch:
            fold.epoch, fold.next_n = message.epoch, message.n
        elif message.epoch == fold.epoch and fold.owner:
            fold.next_n = message.n
            self.adopting = False


def load(connection: Connection, log: Log, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], Partition]:
    """Return the stored positions of the wanted partitions; new ones begin where the log begins."""
    rows = {(row[0], row[1]): row[2:] for row in connection.query(tables.READ_POSITIONS)}
    found: dict[tuple[str, int], Partition] = {}
    for topic, number in wanted:
        begin = log.begin_offset(topic, number)
        stored = rows.get((topic, number))
        if stored is None:
            found[topic, number] = Partition(topic, number, StepFold(offset=begin), begin > 0, None)
            continue
        offset, epoch, owner, next_n, adopting = stored
        fold = StepFold(epoch, owner, next_n, offset)
        if offset < begin:
            fold = StepFold(epoch, "", next_n, begin)
            adopting = True
        found[topic, number] = Partition(topic, number, fold, bool(adopting), offset)
    return found


def all_partitions(log: Log) -> list[tuple[str, int]]:
    """Return every partition that the views are folded from."""
    return [(topic, number) for topic in TOPICS for number in range(log.partitions(topic))]
