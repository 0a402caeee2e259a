"""Processes of `penstock server` that are killed, frozen and started again, and a client that keeps what was promised.

Owns the processes and the submissions. What must hold afterwards is `checker.py`'s.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

SIDE = "side-effects"
SIDE_EFFECTS = 4
"""Task runs of the flow below that leave a line when an attempt begins."""
FLOW = """
id: kept
namespace: e2e
inputs: [{{id: n, type: STRING}}]
tasks:
  - id: first
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ['echo "{{{{ execution.id }}}} {{{{ taskrun.id }}}} {{{{ taskrun.attemptsCount }}}}" >> {side}']
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b, c]
    concurrencyLimit: 2
    tasks:
      - id: inner
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ['echo "{{{{ execution.id }}}} {{{{ taskrun.id }}}} {{{{ taskrun.attemptsCount }}}}" >> {side}']
  - id: unlucky
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ['test "{{{{ taskrun.attemptsCount }}}}" != 0']
    retry: {{type: constant, interval: PT0.2S, maxAttempts: 5}}
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: e2e
    flowId: called
    inputs: {{n: "{{{{ inputs.n }}}}"}}
  - {{id: last, type: io.kestra.plugin.core.debug.Return, format: "{{{{ outputs.call.outputs.n }}}}"}}
"""
CALLED = """
id: called
namespace: e2e
inputs: [{{id: n, type: INT}}]
concurrency: {{limit: 2}}
tasks:
  - id: only
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ['echo "{{{{ execution.id }}}} {{{{ taskrun.id }}}} {{{{ taskrun.attemptsCount }}}}" >> {side}']
outputs: [{{id: n, type: INT, value: "{{{{ inputs.n }}}}"}}]
"""
FLOWS = (CALLED, FLOW)
"""Each execution of the last calls one of the first, of which only two run at once."""


class Process:
    """One role that is started again whenever it was killed."""

    def __init__(self, name: str, role: str, data: Path, options: Sequence[str]) -> None:
        self.name = name
        data.mkdir(exist_ok=True)
        penstock = Path(sys.executable).with_name("penstock")
        self._command = [str(penstock), "server", role, "--data", str(data), *options]
        self._said = data / "said.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with self._said.open("ab") as said:
            self.process = subprocess.Popen(self._command, stdout=said, stderr=said)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        return self._said.read_text(errors="replace")[-2_000:]


class Client:
    """Submits executions and remembers which were acknowledged; each is asked for until it is, under one key."""

    def __init__(self, address: str) -> None:
        self._root = f"http://{address}/api/v1/main"
        self.acknowledged: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._submit_all, daemon=True)
        self._gap_s = 0.0
        self._most = 0

    def call(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        request = urllib.request.Request(self._root + path, body, headers or {})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def save(self, flow: str) -> None:
        asked_until(lambda: self.call("/flows", flow.encode(), {"Content-Type": "application/x-yaml"}), 60)

    def save_all(self, side: Path) -> None:
        for flow in FLOWS:
            self.save(flow.format(side=side))

    def start(self, most: int, gap_s: float) -> None:
        self._most, self._gap_s = most, gap_s
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join(60)

    def _submit_all(self) -> None:
        for number in range(self._most):
            headers = {"Idempotency-Key": f"key-{number}", "Content-Type": "application/x-www-form-urlencoded"}
            while not self._stopping.is_set():
                try:
                    answer = self.call("/executions/e2e/kept", f"n={number}".encode(), headers)
                except OSError:  # it is asked again under the same key
                    self._stopping.wait(0.2)
                    continue
                self.acknowledged.add(json.loads(answer)["id"])
                break
            if self._stopping.wait(self._gap_s):
                return

    def is_over(self, execution: str) -> bool:
        try:
            state = json.loads(self.call(f"/executions/{execution}"))["state"]["current"]
        except OSError:
            return False
        return state in ("SUCCESS", "WARNING", "FAILED", "KILLED")


def asked_until(ask: Callable[[], object], within_s: float) -> None:
    """Ask again until the server answers."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            ask()
            return
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise
            assert time.monotonic() < deadline, f"no answer within {within_s} s: {error}"
            threading.Event().wait(0.1)


def until(holds: Callable[[], bool], within_s: float, otherwise: Callable[[], str]) -> None:
    """Wait until something holds; fail with what `otherwise` says if it doesn't in time."""
    deadline = time.monotonic() + within_s
    pulse = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, otherwise()
        pulse.wait(0.2)


def begun_attempts(side: Path) -> list[tuple[str, str, str]]:
    """Return (execution, task run, attempts before) of every attempt that really began."""
    if not side.exists():
        return []
    return [tuple(line.split()) for line in side.read_text().splitlines()]  # type: ignore[misc]


SEED = int(os.environ.get("PENSTOCK_CHAOS_SEED", "7"))


def dice() -> random.Random:
    """Return the dice of a run: the same seed kills in the same order."""
    return random.Random(SEED)
