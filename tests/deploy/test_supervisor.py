"""Threads of roles: they stop in order, and none dies unnoticed."""

from __future__ import annotations

import threading

import pytest

from deploy.supervisor import Role, RoleDied, Supervisor


def role(name: str, stopped: list[str]) -> Role:
    asked = threading.Event()

    def run() -> None:
        asked.wait(60)
        stopped.append(name)

    return Role(name, run, asked.set)


def test_roles_stop_in_the_reverse_order_of_their_start() -> None:
    stopped: list[str] = []
    supervisor = Supervisor([role("executor", stopped), role("worker", stopped), role("api", stopped)])
    supervisor.start()

    supervisor.ask_to_stop()

    assert supervisor.wait()
    assert supervisor.stop() == []
    assert stopped == ["api", "worker", "executor"]


def test_a_role_that_raises_takes_the_process_down_with_its_reason() -> None:
    def run() -> None:
        raise RuntimeError("disk full")

    stopped: list[str] = []
    supervisor = Supervisor([role("executor", stopped), Role("worker", run, lambda: None)])
    supervisor.start()

    with pytest.raises(RoleDied, match=r"the worker died.*RuntimeError: disk full"):
        supervisor.wait(60)
    assert supervisor.stop() == []
    assert stopped == ["executor"]


def test_a_role_that_returns_unasked_is_a_death_too() -> None:
    supervisor = Supervisor([Role("api", lambda: None, lambda: None)])
    supervisor.start()

    with pytest.raises(RoleDied, match="returned without being asked"):
        supervisor.wait(60)
