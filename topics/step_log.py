"""The rules of the step log: which records count, and how an owner writes (streams, section 2).

Owns `StepFold`, the reader's rule that executors, standbys, projections and followers share, and `StepWriter`, the
writer's rule of one owned partition. It decides nothing, stores nothing and runs no effect: its caller is told, in
order, which of its steps counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from topics.messages import Claim, Step
from topics.ports import Ack, FatalLogError, Record, Writer
from topics.serde import DecodeError, message_of


def step_message(record: Record) -> Any:
    """Return the message of a step log's record.

    Raises:
        FatalLogError: If it can't be read. To go on after it could lose a step that a newer version wrote.
    """
    try:
        return message_of(record)
    except DecodeError as error:
        raise FatalLogError(
            f"{record.topic}/{record.partition} at offset {record.offset} can't be read: {error}. If a newer Penstock "
            "wrote it, start that version; if something else did, begin afresh under another topic prefix, and keep "
            "others from writing to these topics"
        ) from error


class StepFold:
    """Which records of one partition count.

    A Claim counts iff its epoch is greater than the current one; a Step counts iff its epoch is the current one and
    its `n` is the next. So the first writer of `n` under the current epoch wins, for every reader alike.
    """

    __slots__ = ("epoch", "ignored", "next_n", "offset", "owner")

    def __init__(self, epoch: int = 0, owner: str = "", next_n: int = 0, offset: int = 0) -> None:
        self.epoch = epoch
        self.owner = owner
        self.next_n = next_n
        self.offset = offset
        """The next offset to read."""
        self.ignored = 0
        """Records that didn't count: a metric, not an error."""

    def counts(self, message: Claim | Step, offset: int) -> bool:
        """Take the next record of the partition in, and tell whether it counts."""
        self.offset = offset + 1
        if isinstance(message, Claim):
            if message.epoch > self.epoch:
                self.epoch = message.epoch
                self.owner = message.owner
                return True
        elif message.epoch == self.epoch and message.n == self.next_n:
            self.next_n += 1
            return True
        self.ignored += 1
        return False


class AggregateFold:
    """Which steps of one aggregate count, for a reader that leaves the steps of all others undecoded.

    The same rule as `StepFold`'s, with the number of the aggregate's first event in the place of `n`: it goes on
    without gaps too. It begins with a step that counts.
    """

    __slots__ = ("_epoch", "_next_seq")

    def __init__(self, epoch: int) -> None:
        self._epoch = epoch
        self._next_seq = 0

    def claim(self, epoch: int) -> None:
        """Take a claim of the partition in."""
        self._epoch = max(self._epoch, epoch)

    def counts(self, epoch: int, seq: int, events: int) -> bool:
        """Take the aggregate's next step in (its epoch, number and size), and tell whether it counts."""
        if epoch != self._epoch or seq != self._next_seq:
            return False
        self._next_seq += events
        return True


class Lost(Exception):
    """The partition has (or may have) another owner, or a write's fate is unknown: fold and claim again."""


class Pending(msgspec.Struct):
    """A step on its way to the log."""

    step: Step
    payload: Any
    """What the owner wants back when the step counted: changed rows, effects."""


ReadGap = Callable[[int, int], list[Record]]
"""Reads the partition's records from offset (inclusive) to offset (exclusive)."""


class StepWriter:
    """Writes the steps of one owned partition and tells which of them counted.

    The acknowledged offset must be the next expected one. If it isn't, the gap is read: a higher claim means that the
    partition is lost, otherwise ignored records lie there and it goes on after them. An unknown outcome is a loss too:
    nothing is repaired in place.

    Args:
        writer: Shared by the partitions of a process; acknowledgements come back through `acknowledged`.
        topic: The step-log topic.
        partition: Its partition.
        fold: The reader's state, folded through the owner's own counted claim.
        decode: Record to Claim or Step.
        read_gap: Reads what others wrote between two acknowledged offsets.
    """

    def __init__(
        self,
        writer: Writer,
        topic: str,
        partition: int,
        fold: StepFold,
        decode: Callable[[Record], Claim | Step],
        read_gap: ReadGap,
    ) -> None:
        self._writer = writer
        self._topic = topic
        self._partition = partition
        self.fold = fold
        self._decode = decode
        self._read_gap = read_gap
        self._pending: deque[Pending] = deque()
        self.epoch = fold.epoch
        self.next_n = fold.next_n

    @property
    def in_flight(self) -> int:
        """Steps appended and not acknowledged yet."""
        return len(self._pending)

    @property
    def last_pending(self) -> Pending | None:
        """The step appended last, if it isn't acknowledged yet."""
        return self._pending[-1] if self._pending else None

    def append(self, step: Step, value: bytes, payload: Any, *, durable: bool) -> None:
        """Hand the next step to the log.

        Args:
            step: Must carry this owner's epoch and `next_n`.
            value: The encoded step.
            payload: Comes back from `acknowledged` when the step counted.
            durable: See `Writer.append`.
        """
        assert step.epoch == self.epoch and step.n == self.next_n, (step.epoch, step.n, self.epoch, self.next_n)
        pending = Pending(step, payload)
        self._writer.append(
            self._topic,
            self._partition,
            step.id.encode(),
            value,
            durable=durable,
            context=(self, pending),
            message=step,
        )
        self._pending.append(pending)
        self.next_n += 1

    def acknowledged(self, ack: Ack) -> Pending:
        """Take an acknowledgement in and return the step that now counts.

        Raises:
            Lost: If the step's fate is unknown, or another owner's claim came first.
        """
        pending = ack.context[1]
        if not self._pending or self._pending[0] is not pending:
            raise Lost("acknowledgements came in another order than the steps")
        self._pending.popleft()
        if ack.offset is None:
            raise Lost(f"the fate of step {pending.step.n} is unknown: {ack.error or 'no acknowledgement'}")
        if ack.offset != self.fold.offset:
            self._skip_gap(ack.offset)
        if not self.fold.counts(pending.step, ack.offset):
            raise Lost(f"step {pending.step.n} under epoch {self.epoch} doesn't count")
        return pending

    def _skip_gap(self, end: int) -> None:
        if end < self.fold.offset:
            raise Lost(f"acknowledged offset {end} is before the expected {self.fold.offset}")
        for record in self._read_gap(self.fold.offset, end):
            self.fold.counts(self._decode(record), record.offset)
        if self.fold.epoch != self.epoch or self.fold.next_n > self.next_n - len(self._pending) - 1:
            raise Lost(f"epoch {self.fold.epoch} of {self.fold.owner!r} took the partition from epoch {self.epoch}")
        if self.fold.offset < end:
            raise Lost(f"records before offset {end} couldn't be read")
