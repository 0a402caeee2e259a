"""Texts of flows that tests share, and short ways to read them."""

from __future__ import annotations

from typing import Any

from engine.flow import Flow, ParsedFlow, Problem, parse_flow

CORE = "io.kestra.plugin.core."


def log(name: str, **more: Any) -> str:
    """Return a Log task in flow style."""
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    return f"{{id: {name}, type: {CORE}log.Log, message: hi{extra}}}"


def flow_of(body: str, tasks: bool = True) -> str:
    """Return a flow's text: an id, a namespace, the given lines and, unless `tasks` is False, one task."""
    own = f"tasks:\n  - {log('only')}\n" if tasks else ""
    return f"id: one\nnamespace: some.team\n{body.rstrip()}\n{own}"


def read(body: str, tasks: bool = True, **how: Any) -> ParsedFlow:
    """Parse a flow made by `flow_of`."""
    return parse_flow(flow_of(body, tasks), **how)


def sound(body: str, tasks: bool = True, **how: Any) -> Flow:
    """Return the flow made by `flow_of`, which must be without errors."""
    parsed = read(body, tasks, **how)
    assert not parsed.errors, [str(problem) for problem in parsed.errors]
    assert parsed.flow is not None
    return parsed.flow


def problems(body: str, tasks: bool = True, severity: str = "error") -> list[Problem]:
    """Return the problems of one severity in the flow made by `flow_of`."""
    return [problem for problem in read(body, tasks).problems if problem.severity == severity]


def the_problem(body: str, tasks: bool = True, severity: str = "error") -> Problem:
    """Return the only problem of one severity in the flow made by `flow_of`."""
    found = problems(body, tasks, severity)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]
