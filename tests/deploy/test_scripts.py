"""How settings of scripts reach the process runner."""

from __future__ import annotations

import pytest

from deploy.open_log import use_schema_registry
from deploy.problems import UserError
from deploy.scripts import script_limits, script_user
from deploy.settings import Settings, WorkerSection
from topics import serde
from topics.messages import WorkerLeaving


def test_scripts_keep_the_workers_user_unless_another_is_named() -> None:
    assert script_user(None) is None
    assert script_user("root") == (0, 0)
    with pytest.raises(UserError, match=r"no such user"):
        script_user("nobody-of-that-name")


def test_limits_of_scripts_are_given_in_the_units_of_the_system() -> None:
    assert script_limits(WorkerSection()) == {"RLIMIT_NOFILE": 65_536}
    limits = script_limits(WorkerSection(script_memory=64, script_cpu=5))
    assert (limits["RLIMIT_AS"], limits["RLIMIT_CPU"]) == (64 * 1024 * 1024, 5)


def test_a_schema_registry_is_used_only_where_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[object] = []
    monkeypatch.setattr(serde, "use_registry", used.append)
    use_schema_registry(Settings())
    assert used == []
    registry = {"url": "http://localhost:1", "username": "u", "password": "p"}
    use_schema_registry(Settings.model_validate({"schema_registry": registry}))
    assert len(used) == 1
    assert serde.encode(WorkerLeaving(worker_id="w", at_ms=0))
