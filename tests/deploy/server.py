"""A process of `penstock server` for tests, and what a client says to it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLOW = b"""
id: hello
namespace: demo
inputs: [{id: name, type: STRING}]
tasks:
  - {id: greet, type: io.kestra.plugin.core.debug.Return, format: "Good day, {{ inputs.name }}"}
"""
READY = re.compile(r"ready (?:on (http://[^ ]+) )?after")


class Server:
    """A running process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self.address = self._await_ready()
        """Empty for a role without HTTP."""
        self.url = self.address + "/api/v1/main"

    def _await_ready(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            found = READY.search(line)
            if found:
                # Nobody reads on: a pipe that fills up would stop the server.
                threading.Thread(target=self.process.stderr.read, daemon=True).start()
                return found[1] or ""
        raise AssertionError(f"the server ended: {''.join(self.said)}")

    def call(self, path: str, body: bytes | None = None, content_type: str = "") -> Any:
        headers = {"Content-Type": content_type} if content_type else {}
        request = urllib.request.Request(self.url + path, body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def stop(self, by: signal.Signals) -> int:
        self.process.send_signal(by)
        return self.process.wait(60)


@contextmanager
def started(role: str, data: Path, *options: str, environ: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start a role, with further variables in its environment, and wait until it is ready; at the end it is killed."""
    penstock = Path(sys.executable).with_name("penstock")
    command = [penstock, "server", role, "--data", data, "--port", "0", "--set", "log.format=json", *options]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=data, env={**os.environ, **(environ or {})}
    )
    try:
        yield Server(process)
    finally:
        process.kill()
        process.communicate()
