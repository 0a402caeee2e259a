"""What `penstock run` shows: an execution as rows of task runs and lines of log, on a terminal or in a pipe.

Owns the fold of events into rows, and the two printers. It reads no log and asks nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TextIO

import msgspec

from engine.execution import events as e
from engine.values import State

if TYPE_CHECKING:
    from rich.table import Table

ROWS_SHOWN_MAX = 30
"""Task runs in the live table: what fits a terminal; of more, the last ones that moved are shown."""

COLORS = {
    State.SUCCESS: "green",
    State.WARNING: "yellow",
    State.FAILED: "red",
    State.KILLED: "magenta",
    State.RUNNING: "cyan",
    State.RETRYING: "yellow",
}


STATE_AFTER: dict[Any, State] = {
    e.TaskDispatched: State.SUBMITTED,
    e.TaskRunStarted: State.RUNNING,
    e.TaskRunRetryScheduled: State.RETRYING,
    e.TaskRunPaused: State.PAUSED,
    e.TaskRunResumed: State.RUNNING,
    e.TaskRunKillRequested: State.KILLING,
}
"""What an event makes of its task run; others change no state, or carry it themselves."""


PAUSED_HINT = "it goes on by itself if it is to; Enter resumes it, Ctrl-C kills it"


class Row(msgspec.Struct):
    """One task run."""

    name: str
    """Task id, with the value of the loop's iteration in brackets."""
    state: State
    since_ms: int
    """When it began to exist."""
    ended_ms: int = 0
    attempt: int = 1


class Line(msgspec.Struct, frozen=True):
    """One thing to tell: a log line, or a task run that came to a new state."""

    at_ms: int
    name: str
    what: str
    """A state or a level."""
    text: str = ""


class RunView:
    """One execution, as far as its events have come."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.state = State.CREATED
        self.started_ms = 0
        self.ended_ms = 0
        self.error = ""
        self.outputs_json = b""
        self.settled = False

    def fold(self, event: Any) -> Iterator[Line]:
        """Take an event in and yield what it tells."""
        if isinstance(event, e.ExecutionCreated):
            self.started_ms = event.at_ms
        elif isinstance(event, e.ExecutionStateChanged):
            self.state = event.state
            hint = PAUSED_HINT if event.state is State.PAUSED else ""
            yield Line(event.at_ms, "execution", event.state, hint)
        elif isinstance(event, e.ExecutionEnded):
            self.state, self.ended_ms = event.state, event.at_ms
            self.error, self.outputs_json = event.error, event.outputs_json
        elif isinstance(event, e.ExecutionSettled):
            self.settled = True
        else:
            yield from self._fold_task_run(event)

    def _fold_task_run(self, event: Any) -> Iterator[Line]:
        if isinstance(event, e.TaskRunCreated):
            self.rows[event.task_run_id] = Row(named(event.task_id, event.value), event.state, event.at_ms)
            return
        if isinstance(event, e.TaskRunDecided):
            row = Row(named(event.task_id, event.value), event.state, event.at_ms, ended_ms=event.at_ms)
            self.rows[event.task_run_id] = row
            yield from told(row, event.at_ms, event.logs)
            yield Line(event.at_ms, row.name, event.state)
            return
        known = self.rows.get(getattr(event, "task_run_id", ""))
        state = state_after(event)
        if known is None or state is None:
            return
        known.state = state
        known.attempt = getattr(event, "epoch", known.attempt)
        yield from told(known, event.at_ms, getattr(event, "logs", ()))
        if state.is_terminal:
            known.ended_ms = event.at_ms
        if state is not State.SUBMITTED:
            error = getattr(event, "error", "")
            yield Line(event.at_ms, known.name, state, error or (lasted(known) if state.is_terminal else ""))

    def log_line(self, task_run_id: str, task_id: str, at_ms: int, level: str, message: str) -> Line:
        """Return the line of a log entry that a worker wrote."""
        row = self.rows.get(task_run_id)
        return Line(at_ms, row.name if row else task_id, level, message)


def state_after(event: Any) -> State | None:
    """Return the state that an event puts its task run into; None if it changes none."""
    if isinstance(event, e.TaskRunEnded | e.TaskRunReopened):
        state: State = event.state
        return state
    return STATE_AFTER.get(type(event))


def told(row: Row, at_ms: int, logs: tuple[e.LogLine, ...]) -> Iterator[Line]:
    """Yield the log lines that the engine wrote for a task run."""
    for line in logs:
        yield Line(at_ms, row.name, line.level, line.message)


def named(task_id: str, value: str | None) -> str:
    """Return how a task run is called on the screen."""
    return task_id if value is None else f"{task_id}[{value if len(value) <= 24 else value[:23] + '…'}]"


def lasted(row: Row) -> str:
    """Return how long a task run took, such as `1.204 s`."""
    return f"{(row.ended_ms - row.since_ms) / 1000:.3f} s"


class Printer(Protocol):
    """Shows lines as they come, and the rows as they are."""

    def show(self, lines: list[Line], view: RunView) -> None:
        """Show what was told since the last call."""
        ...

    def close(self) -> None:
        """Leave the screen as a reader wants to find it."""
        ...


class PlainPrinter:
    """One line for each thing told: for pipes, files and people who like it so."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    def show(self, lines: list[Line], view: RunView) -> None:
        """See `Printer.show`."""
        for line in lines:
            for text in line.text.splitlines() or [""]:
                print(f"{clock(line.at_ms)}  {line.name:<24} {line.what:<8} {text}".rstrip(), file=self._stream)
        self._stream.flush()

    def close(self) -> None:
        """See `Printer.close`."""


class LivePrinter:
    """A table of task runs that changes in place, log lines above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console = Console()
        self._live = Live(console=self._console, auto_refresh=False)
        self._live.start()

    def show(self, lines: list[Line], view: RunView) -> None:
        """See `Printer.show`."""
        from rich.text import Text

        for line in lines:
            if line.what not in State.__members__ or line.text == PAUSED_HINT:
                text = Text(f"{clock(line.at_ms)}  {line.name:<24} ", style="dim")
                text.append(f"{line.what:<6} ", style={"ERROR": "red", "WARN": "yellow"}.get(line.what, "blue"))
                text.append(line.text, style="default not dim")
                self._console.print(text)
        self._live.update(table_of(view), refresh=True)

    def close(self) -> None:
        """See `Printer.close`."""
        self._live.stop()


def table_of(view: RunView) -> Table:
    """Return the rows as a table; the last ones that moved if there are many."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for title in ("TASK RUN", "STATE", "ATTEMPT", "TIME"):
        table.add_column(title, justify="right" if title in ("ATTEMPT", "TIME") else "left", header_style="dim")
    rows = list(view.rows.values())
    if len(rows) > ROWS_SHOWN_MAX:
        table.add_row(f"… {len(rows) - ROWS_SHOWN_MAX} more, {sum(row.ended_ms > 0 for row in rows)} ended", "", "", "")
        rows = sorted(rows, key=lambda row: row.ended_ms or sys.maxsize)[-ROWS_SHOWN_MAX:]
    for row in rows:
        state = Text(row.state, style=COLORS.get(row.state, "default"))
        table.add_row(Text(row.name), state, str(row.attempt), lasted(row) if row.ended_ms else "")
    return table


def clock(at_ms: int) -> str:
    """Return local time of day with milliseconds."""
    return datetime.fromtimestamp(at_ms / 1000).strftime("%H:%M:%S.%f")[:-3]
