"""What a script says to the engine: lines `::{…}::` on either stream.

Owns their meaning. Everything else a script writes is a log line.
"""

from __future__ import annotations

from typing import Any

import msgspec

from worker.logs import LEVELS, AttemptLog

OUTPUT_BYTES_MAX = 4 * 1024 * 1024
"""What one script may say in outputs; more doesn't fit into a report."""


class SaidMetric(msgspec.Struct, frozen=True):
    """A metric; timers are in seconds."""

    name: str
    value: float
    type: str = "counter"
    tags: dict[str, Any] = {}


class SaidLine(msgspec.Struct, frozen=True):
    """A log line with a level."""

    message: str
    level: str = "INFO"


class Said(msgspec.Struct, frozen=True):
    """One line."""

    outputs: dict[str, Any] | None = None
    metrics: list[SaidMetric] | None = None
    logs: list[SaidLine] | None = None
    assets: Any = None


_decoder = msgspec.json.Decoder(Said, strict=False)
KINDS = frozenset({"counter", "timer", "gauge"})


class ScriptSink:
    """Takes a script's lines. See `worker.runners.process.Sink`.

    Args:
        log: Where its lines and metrics go.
    """

    def __init__(self, log: AttemptLog) -> None:
        self._log = log
        self._bytes = 0
        self._assets_told = False
        self.variables: dict[str, Any] = {}
        """Outputs so far; a later value of a name wins."""

    def line(self, text: str, from_stderr: bool) -> bool:
        """See `worker.runners.process.Sink.line`."""
        stripped = text.rstrip()
        if stripped.startswith("::{") and stripped.endswith("}::"):
            self._said(stripped[2:-2])
        else:
            self._log.line("ERROR" if from_stderr else "INFO", text)
        return not self._log.full

    def pause(self) -> None:
        """See `worker.runners.process.Sink.pause`."""
        self._log.flush()

    def _said(self, written: str) -> None:
        try:
            said = _decoder.decode(written)
        except (msgspec.DecodeError, UnicodeError) as error:
            self._log.line("WARN", f"A line ::{{…}}:: of the script is ignored: {error}")
            return
        if said.outputs:
            self._bytes += len(written)
            if self._bytes > OUTPUT_BYTES_MAX:
                self._log.line("WARN", f"Outputs beyond {OUTPUT_BYTES_MAX} bytes are ignored; write them to a file")
            else:
                self.variables.update(said.outputs)
        for metric in said.metrics or ():
            kind = metric.type.lower()
            if kind not in KINDS:
                self._log.line("WARN", f"The metric {metric.name} is ignored: its type {metric.type} is unknown")
                continue
            self._log.metric(kind, metric.name, metric.value, {key: str(tag) for key, tag in metric.tags.items()})
        for line in said.logs or ():
            level = line.level.upper()
            level = {"WARNING": "WARN", "CRITICAL": "ERROR"}.get(level, level)
            self._log.line(level if level in LEVELS else "INFO", line.message)
        if said.assets is not None and not self._assets_told:
            self._assets_told = True
            self._log.line("WARN", "The script names assets; Penstock keeps none, they are ignored")
