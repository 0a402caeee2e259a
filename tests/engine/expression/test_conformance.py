"""Runs rows of the conformance suite (`expressions.yaml`) directly on the engine.

The folder comes from PENSTOCK_CONFORMANCE; without it the test is skipped. What a server would add to the rows (a flow,
an execution, world functions) stands in `SCOPE`.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import regex
import yaml

from engine.expression import RenderError, Scope, compile_template

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
FOLDER = os.environ.get("PENSTOCK_CONFORMANCE", "")


def _rows() -> list[Any]:
    path = Path(FOLDER) / "expressions.yaml"
    if not FOLDER or not path.exists():
        return []
    groups = yaml.safe_load(path.read_text())["groups"]
    return [pytest.param(group, row, id=row["id"]) for group in groups for row in group["rows"]]


def _read(path: str, **_: Any) -> str:
    raise FileNotFoundError(path)


def _scope(variables: dict[str, Any]) -> Scope:
    execution = "5dP3y0uPBGqgUkLyFvLhI1"
    return Scope(
        {
            "vars": variables,
            "flow": {"id": "expr-1", "namespace": "conformance.expressions", "revision": 1},
            "execution": {"id": execution, "startDate": NOW.isoformat().replace("+00:00", "Z"), "state": "RUNNING"},
            "task": {"id": "r", "type": "io.kestra.plugin.core.debug.Return"},
            "taskrun": {"id": "6hE8z5uPBGqgUkLyFvLhI2", "startDate": NOW.isoformat(), "attemptsCount": 0},
            "labels": {"system": {"correlationId": execution}},
            "inputs": {},
            "outputs": {},
            "envs": {},
            "globals": {},
        },
        now_ms=int(NOW.timestamp() * 1000),
        entropy="conformance",
        world={
            "kv": lambda key, namespace=None, errorOnMissing=True: None,
            "read": _read,
            "fileURI": lambda path, namespace=None: f"kestra:///conformance/expressions/_files/{path}",
            "fileExists": lambda path, namespace=None: False,
            "randomPort": lambda: 40001,
        },
    )


def _matches(expected: Any, actual: str) -> bool:
    if not isinstance(expected, dict):
        return actual == expected
    for matcher, wanted in expected.items():
        parts = wanted if isinstance(wanted, list) else [wanted]
        if matcher == "$contains":
            ok = all(part in actual for part in parts)
        elif matcher == "$regex":
            ok = regex.search(wanted, actual) is not None
        elif matcher == "$in":
            ok = actual in wanted
        elif matcher == "$not":
            ok = actual != wanted
        elif matcher == "$json":
            ok = json.loads(actual) == wanted
        elif matcher == "$now":
            ok = abs((datetime.fromisoformat(actual.replace("Z", "+00:00")) - NOW).total_seconds()) <= wanted
        else:
            raise AssertionError(f"unknown matcher {matcher}")
        if not ok:
            return False
    return True


@pytest.mark.skipif(not FOLDER, reason="PENSTOCK_CONFORMANCE isn't set")
@pytest.mark.parametrize(("group", "row"), _rows())
def test_a_row_renders_to_what_a_server_would_give(group: dict[str, Any], row: dict[str, Any]) -> None:
    scope = _scope(group.get("vars", {}))
    if "error" in row:
        with pytest.raises(RenderError) as caught:
            compile_template(row["template"]).render(scope)
        assert row["error"] is True or str(row["error"]) in caught.value.message
    else:
        actual = compile_template(row["template"]).render(scope)
        assert _matches(row["expect"], actual), f"{actual!r} isn't {row['expect']!r}"
