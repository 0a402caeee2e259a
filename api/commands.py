"""Asks the executors: appends a command to an inbox and waits until its step was applied to the views.

Owns request ids, the wait and its end, and whether the log takes commands at all. It never decides: a refusal is what
the step says.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import uuid4

import msgspec

from api.problems import OF_REASON, ApiProblem
from api.projections.fan_out import FanOut
from engine.machine import Command, CommandRejected
from topics import catalog, serde
from topics.messages import Step
from topics.ports import Log, LogError, RecordTooLarge

logger = logging.getLogger(__name__)

SWEEP_S = 0.02
"""How often acknowledgements are collected while some are outstanding."""

PROBE_S = 2.0
"""How often a partition that took no command is asked again: whoever is told that this process isn't ready sends it no
command that would tell."""


class Commands:
    """The event loop's way into the inboxes; belongs to its thread.

    Args:
        log: The log.
        fan_out: Tells which steps were applied.
        timeout_s: How long to wait for a step.
    """

    def __init__(self, log: Log, fan_out: FanOut, timeout_s: float) -> None:
        self._writer = log.writer()
        self._partitions = {
            kind: log.partitions(catalog.inbox_of(kind)) for kind in ("executions", "flows", "triggers")
        }
        self._fan_out = fan_out
        self._timeout_s = timeout_s
        self._sweeper: asyncio.TimerHandle | None = None
        self._collecting = False
        self._unconfirmed: set[asyncio.Future[Step]] = set()
        """Answers to commands that the log hasn't acknowledged."""
        self._troubled: dict[tuple[str, int], str] = {}
        """Why each partition didn't take the last thing that it was to take."""
        self._probing: set[tuple[str, int]] = set()
        """Partitions that are asked now."""
        self._prober: asyncio.TimerHandle | None = None

    @property
    def trouble(self) -> str | None:
        """Why the log takes no commands, of one partition at least; None while it does, as far as is known."""
        told = [f"{topic}/{partition} takes no commands: {why}" for (topic, partition), why in self._troubled.items()]
        return told[0] if told else None

    async def ask(self, kind: str, id: str, command: Command) -> Step:
        """Append a command and return the step it made, after the views have it.

        Args:
            kind: Kind of aggregate: executions or flows.
            id: The aggregate's id, the record's key.
            command: What to ask; its `request` is filled in.

        Raises:
            ApiProblem: If the command was refused, couldn't be appended, or wasn't answered in time; in the last case
                it still holds and may be carried out later.
        """
        request = uuid4().hex
        command = msgspec.structs.replace(command, request=request)
        with self._fan_out.expect(request) as answer:
            where = self._append(kind, id, command, answer)
            try:
                async with asyncio.timeout(self._timeout_s):
                    step: Step = await answer
            except TimeoutError:
                if answer in self._unconfirmed:
                    why = f"within {self._timeout_s:g} s: is its disk or broker all right?"
                    self._note(where, f"the last one wasn't confirmed {why}")
                    raise _unconfirmed(f"not {why}") from None
                raise ApiProblem(
                    "timeout",
                    f"{type(command).__name__} was accepted, but not carried out within {self._timeout_s:g} s. It still"
                    " holds and will be: look at the state again instead of repeating it. Is an executor running?",
                    retry_after_s=5,
                ) from None
            finally:
                self._unconfirmed.discard(answer)
        for event in step.events:
            if isinstance(event, CommandRejected):
                raise ApiProblem(OF_REASON[event.reason], event.message)
        return step

    def _append(self, kind: str, id: str, command: Command, answer: asyncio.Future[Step]) -> tuple[str, int]:
        key = id.encode()
        where = (catalog.inbox_of(kind), catalog.partition_of(key, self._partitions[kind]))
        try:
            value = serde.encode(command)
            self._writer.append(*where, key, value, durable=True, context=answer, message=command)
        except RecordTooLarge as error:
            raise ApiProblem("payload-too-large", str(error)) from error
        except LogError as error:
            self._note(where, str(error))
            raise ApiProblem(
                "service-unavailable", f"The log takes no commands now: {error}", retry_after_s=5
            ) from error
        self._unconfirmed.add(answer)
        self._collect_soon()
        return where

    def _collect_soon(self) -> None:
        if not self._collecting:
            self._collecting = True
            asyncio.get_running_loop().call_soon(self._collect)

    def _collect(self) -> None:
        """Poll the writer: what this turn of the loop appended goes out now, a failed append ends its wait at once."""
        self._collecting = False
        for ack in self._writer.poll():
            where = (ack.topic, ack.partition)
            answer: asyncio.Future[Step] | None = ack.context
            if answer is None:
                self._probing.discard(where)
            else:
                self._unconfirmed.discard(answer)
            self._note(where, None if ack.offset is not None else str(ack.error))
            if ack.offset is None and answer is not None and not answer.done():
                logger.warning("The fate of a command is unknown: %s", ack.error)
                answer.set_exception(_unconfirmed(str(ack.error)))
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        if self._writer.outstanding:
            self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._collect)

    def _note(self, where: tuple[str, int], error: str | None) -> None:
        """Remember whether a partition took the last thing that it was to take; None: it did."""
        if error is not None:
            if where not in self._troubled:
                logger.error("%s/%d takes no commands: %s", *where, error)
            self._troubled[where] = error
            if self._prober is None:
                self._prober = asyncio.get_running_loop().call_later(PROBE_S, self._probe)
        elif self._troubled.pop(where, None) is not None:
            logger.warning("%s/%d takes commands again", *where)

    def _probe(self) -> None:
        """Append to each partition in trouble what no executor minds, and see whether it is acknowledged."""
        self._prober = None
        for where in self._troubled.keys() - self._probing:
            try:
                self._writer.append(*where, b"", b"")
            except LogError as error:
                self._troubled[where] = str(error)
            else:
                self._probing.add(where)
                self._collect_soon()
        if self._troubled:
            self._prober = asyncio.get_running_loop().call_later(PROBE_S, self._probe)

    def close(self) -> None:
        """Give up the writer."""
        for timer in (self._sweeper, self._prober):
            if timer is not None:
                timer.cancel()
        self._writer.close()


def _unconfirmed(why: str) -> ApiProblem:
    return ApiProblem(
        "service-unavailable",
        f"The log didn't confirm the command ({why}): it may or may not be carried out. Look at the state before"
        " repeating it.",
        retry_after_s=5,
    )
