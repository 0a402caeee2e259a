"""Who syncs: whoever would only wait, and otherwise the background thread; one sync serves all who asked before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import cast

import pytest

from topics.embedded.committer import Committer
from topics.embedded.writer import EmbeddedWriter
from topics.ports import Ack

WAIT_S = 30.0


class FakeLog:
    """Counts syncs and who makes them; one may be held up, or refused."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.delivered: list[tuple[str, str | None]] = []
        self.came = threading.Condition()
        self.entered = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()
        self.raises: BaseException | None = None

    def sync(self) -> str | None:
        self.threads.append(threading.current_thread())
        self.entered.set()
        assert self.go_on.wait(WAIT_S)
        if self.raises is not None:
            raised, self.raises = self.raises, None
            raise raised
        return None

    def write_queued(self) -> bool:
        return False

    def deliver(self, synced: list[tuple[EmbeddedWriter, list[Ack]]], error: str | None) -> None:
        with self.came:
            self.delivered += [(str(writer), error) for writer, _ in synced]
            self.came.notify_all()

    def wait_for(self, count: int) -> list[tuple[str, str | None]]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.delivered) >= count, WAIT_S)
            return self.delivered


@pytest.fixture
def log() -> FakeLog:
    return FakeLog()


@pytest.fixture
def committer(log: FakeLog) -> Iterator[Committer]:
    made = Committer(log)
    made.start()
    yield made
    log.go_on.set()
    made.stop()


def writer(name: str) -> EmbeddedWriter:
    return cast(EmbeddedWriter, name)


def test_whoever_waits_syncs_for_all_who_asked_before(log: FakeLog) -> None:
    committer = Committer(log)  # without its thread
    committer.submit(writer("a"), [])
    committer.submit(writer("b"), [])
    committer.sync_here()

    assert log.delivered == [("a", None), ("b", None)]
    assert log.threads == [threading.current_thread()]


def test_while_a_sync_runs_the_next_waits_for_the_background_thread(log: FakeLog, committer: Committer) -> None:
    log.go_on.clear()
    committer.submit(writer("a"), [])
    leader = threading.Thread(target=committer.sync_here)
    leader.start()
    assert log.entered.wait(WAIT_S)
    committer.submit(writer("b"), [])
    committer.sync_here()
    assert log.delivered == []

    log.go_on.set()
    assert log.wait_for(2) == [("a", None), ("b", None)]
    leader.join(WAIT_S)
    assert threading.current_thread() not in log.threads


def test_whoever_does_something_else_meanwhile_has_it_synced(log: FakeLog, committer: Committer) -> None:
    committer.submit(writer("a"), [])
    committer.hurry()

    assert log.wait_for(1) == [("a", None)]
    assert threading.current_thread() not in log.threads


def test_an_interrupt_during_a_sync_is_told_as_an_unknown_outcome(log: FakeLog, committer: Committer) -> None:
    log.raises = KeyboardInterrupt()
    committer.submit(writer("a"), [])
    with pytest.raises(KeyboardInterrupt):
        committer.sync_here()
    assert log.delivered[0] == ("a", "the sync was interrupted")

    committer.submit(writer("b"), [])
    committer.sync_here()
    assert log.wait_for(2)[1] == ("b", None)
