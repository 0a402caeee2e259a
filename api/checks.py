"""A flow's checks: conditions on the inputs that must hold before an execution is created.

Pure. Owns their evaluation and which failing check counts most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from engine import expression
from engine.flow.model import Flow

SEVERITY = ("BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION")
"""Behaviours, the gravest first."""


class FailedCheck(msgspec.Struct, frozen=True):
    """A check that doesn't hold."""

    message: str
    style: str = "INFO"
    behavior: str = SEVERITY[0]


def failed_checks(
    flow: Flow, variables: Mapping[str, Any], now_ms: int, dialect: expression.Dialect = expression.Dialect.V1
) -> list[FailedCheck]:
    """Return the checks of a flow that don't hold, the gravest first.

    Args:
        flow: The flow.
        variables: What the conditions read, the resolved `inputs` included.
        now_ms: The time, for expressions.
        dialect: Of the conditions.

    Returns:
        A check holds only if its condition gives the boolean true; one that can't be evaluated blocks.
    """
    scope = expression.Scope(variables=variables, now_ms=now_ms, dialect=dialect)
    failed: list[FailedCheck] = []
    for check in flow.extra.get("checks") or ():
        if not isinstance(check, Mapping):
            continue
        condition = check.get("condition", check.get("when"))
        behavior = str(check.get("behavior") or SEVERITY[0])
        try:
            holds = _evaluated(condition, scope)
        except (expression.RenderError, expression.NeedsWorld) as error:
            failed.append(FailedCheck(f"{check.get('message')}: {error}", "ERROR"))
            continue
        if holds is not True:
            failed.append(FailedCheck(str(check.get("message")), str(check.get("style") or "INFO"), behavior))
    return sorted(failed, key=lambda f: SEVERITY.index(f.behavior) if f.behavior in SEVERITY else 0)


def _evaluated(condition: Any, scope: expression.Scope) -> Any:
    if not isinstance(condition, str):
        return condition
    return expression.compile_template(condition, scope.dialect).evaluate(scope)
