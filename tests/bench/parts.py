"""Parts that run in one thread without a server: parsing a flow, rendering a template."""

from __future__ import annotations

import time

from engine.expression import Scope, compile_template
from engine.flow import parse_flow
from tests.bench.figures import Figure
from tests.bench.floors import median_ms

RENDERS = 50_000
TASK = """  - id: task{n}
    type: io.kestra.plugin.core.log.Log
    description: Says which one it is
    message: "{{{{ flow.id }}}} {n}"
    level: INFO
"""


def source(lines: int) -> str:
    """Return a flow of about so many lines."""
    tasks = "".join(TASK.format(n=n) for n in range((lines - 3) // 5))
    return f"id: long\nnamespace: bench\ntasks:\n{tasks}"


def parts() -> list[Figure]:
    """Measure them."""
    short, long = source(100), source(5_000)
    template = compile_template("{{ a }} and {{ b.c }}")
    scope = Scope({"a": "x", "b": {"c": 1}}, now_ms=0)
    template.render(scope)
    began = time.perf_counter()
    for _ in range(RENDERS):
        template.render(scope)
    renders = RENDERS / (time.perf_counter() - began)
    return [
        Figure("parsing a flow of 100 lines", median_ms(lambda: parse_flow(short), 20), "ms", at_most=5.0),
        Figure("parsing a flow of 5,000 lines", median_ms(lambda: parse_flow(long), 5), "ms", at_most=100.0),
        Figure("renders of a template with two variables", renders, "/s", at_least=50_000.0),
    ]
