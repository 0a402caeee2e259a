"""What is measured: flows, how often they run, and the figures that we aim at."""

from __future__ import annotations

import json
from typing import Any

NAMESPACE = "bench"
RETURN = "io.kestra.plugin.core.debug.Return"
FOR_EACH = "io.kestra.plugin.core.flow.ForEach"
SHELL = "io.kestra.plugin.scripts.shell.Commands"
ON_A_WORKER = {"workerGroup": {"key": "default"}}
"""Sends a pure task to a worker: a worker task without a process of its own."""

SEQUENCE = 40
PROCESSES = 10
BURST = 1_000
CLIENTS = 16


def flow(name: str, *tasks: dict[str, Any]) -> str:
    """Return a flow's source; JSON is YAML."""
    return json.dumps({"id": name, "namespace": NAMESPACE, "tasks": tasks})


def returning(id: str, **more: Any) -> dict[str, Any]:
    """Return a task that only renders."""
    return {"id": id, "type": RETURN, "format": "{{ flow.id }}", **more}


def fan(name: str, size: int, **more: Any) -> str:
    """Return a flow with one loop, all values at once."""
    body = returning("each", **more)
    loop = {
        "id": "all",
        "type": FOR_EACH,
        "values": f"{{{{ range(1, {size}) }}}}",
        "concurrencyLimit": 0,
        "tasks": [body],
    }
    return flow(name, loop)


FLOWS = {
    "hello": flow("hello", {"id": "hello", "type": "io.kestra.plugin.core.log.Log", "message": "Hello World!"}),
    "seq40": flow("seq40", *(returning(f"t{n}", **ON_A_WORKER) for n in range(SEQUENCE))),
    "fan1000": fan("fan1000", 1_000, **ON_A_WORKER),
    "fan10000": fan("fan10000", 10_000, **ON_A_WORKER),
    "pure10000": fan("pure10000", 10_000),
    "loop100000": fan("loop100000", 100_000),
    "shell10": flow("shell10", *({"id": f"p{n}", "type": SHELL, "commands": ["echo hello"]} for n in range(PROCESSES))),
}
