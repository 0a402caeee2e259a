"""Asks one thing of an executor and follows what comes of it: the client side of the log, without HTTP.

Owns one writer and one reader of one thread. It shows nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import msgspec

from deploy.problems import UserError
from engine.machine import Command, CommandRejected
from topics import catalog
from topics.messages import LogEntry, Step
from topics.ports import Log, Record
from topics.serde import encode, message_of
from topics.step_log import StepFold

POLL_SECONDS = 0.25
"""Longest wait for a record before the caller may look at something else (a signal, a dead thread)."""
BATCH_RECORDS = 1_000
FOLLOWED = (catalog.FLOWS_EVENTS, catalog.EXECUTIONS_EVENTS, catalog.LOGS)


class Follower:
    """Follows a log from its beginning.

    Args:
        log: A log of this process, young enough to be read whole.
        check: Called while nothing comes; raises if nothing ever will.
    """

    def __init__(self, log: Log, check: Callable[[], object]) -> None:
        self._log = log
        self._check = check
        self._writer = log.writer()
        self._reader = log.reader()
        self._folds: dict[tuple[str, int], StepFold] = {}
        for topic in FOLLOWED:
            for partition in range(log.partitions(topic)):
                begin = log.begin_offset(topic, partition)
                self._reader.add(topic, partition, begin)
                self._folds[topic, partition] = StepFold(offset=begin)

    def tell(self, kind: str, id: str, command: Command) -> None:
        """Append a command without waiting for what it comes to."""
        topic = catalog.inbox_of(kind)
        partition = catalog.partition_of(id.encode(), self._log.partitions(topic))
        self._writer.append(topic, partition, id.encode(), encode(command), durable=False, message=command)
        while self._writer.outstanding:
            for ack in self._writer.poll(POLL_SECONDS):
                if ack.offset is None:
                    raise UserError(f"the log did not take the command: {ack.error}")

    def ask(self, kind: str, id: str, command: Command) -> Step:
        """Append a command and return its step.

        Raises:
            UserError: If it was refused.
        """
        request = uuid4().hex
        self.tell(kind, id, msgspec.structs.replace(command, request=request))
        while True:
            for message in self.poll():
                if isinstance(message, Step) and message.cause.request == request:
                    for event in message.events:
                        if isinstance(event, CommandRejected):
                            raise UserError(event.message)
                    return message

    def poll(self, timeout_s: float = POLL_SECONDS) -> Iterator[Step | LogEntry]:
        """Yield the steps that count and the log lines of tasks that came in."""
        records = self._reader.poll(BATCH_RECORDS, timeout_s)
        if not records:
            self._check()
        for record in records:
            message = self._counted(record)
            if message is not None:
                yield message

    def close(self) -> None:
        """Release reader and writer."""
        self._reader.close()
        self._writer.close()

    def _counted(self, record: Record) -> Step | LogEntry | None:
        message: Any = message_of(record)
        if isinstance(message, LogEntry):
            return message
        counts = self._folds[record.topic, record.partition].counts(message, record.offset)
        return message if counts and isinstance(message, Step) else None
