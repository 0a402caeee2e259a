"""The small machine that every aggregate is: decide, evolve, react, and `step`, the only door.

Owns the base classes of commands, events, rows and effects, and the folding. It knows no aggregate: `engine/execution`
and `engine/catalog` bring their tables. State is rows, not a document: `decide` fetches rows by key when it needs them,
`evolve` gives back the changed ones, so one command costs the same however large its aggregate has grown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from engine.errors import Reason, Rejected


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A request to an aggregate; it may be refused. Named VerbNoun."""

    request: str = ""
    """Id of the HTTP request that waits for the answer; such a command makes a step even if nothing happens."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened: never refused, never edited. Named NounPastTense."""


class Row(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A piece of an aggregate's state, stored under a key of its own."""


SEQUENCE = "q"


class Sequence(Row, frozen=True, kw_only=True):
    """How many events the aggregate has; key `q`, kept by whoever writes its steps."""

    next: int


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the world must do, as data. May be done again after a crash; receivers don't mind."""


class SendCommand(Effect, frozen=True, kw_only=True):
    """Ask something of another aggregate, or of another one of the same kind."""

    kind: str
    """Which kind of aggregate: executions, flows."""
    id: str
    """Whom, the key of its records."""
    command: Command


class Outstanding(msgspec.Struct, frozen=True):
    """What a row waits for: an effect that is said again until the row has changed."""

    effect: Effect
    first_ms: int
    """How long to wait before it is said again for the first time; twice as long each further time."""
    most_ms: int
    """The longest wait."""


class FireTimer(Command, frozen=True, kw_only=True):
    """A timer is due. Made by the partition's owner, never written to the inbox."""

    timer_id: str
    generation: int


class Timer(Row, frozen=True, kw_only=True):
    """A timer that is set; key `m/<timer id>`. Whoever owns the partition sends `FireTimer` when it is due."""

    due_ms: int


class CommandRejected(Event, frozen=True, kw_only=True):
    """A command that an HTTP client waits for was refused; nothing else changed."""

    reason: Reason
    message: str


class Rows(Protocol):
    """Read-only view of one aggregate's rows; keys are relative to the aggregate."""

    def get(self, key: str) -> Any:
        """Return the row, None if there is none."""
        ...

    def scan(self, prefix: str) -> Iterable[tuple[str, Any]]:
        """Yield (key, row) of all keys with this prefix, ordered by key. Not for the hot path."""
        ...


Changes = Iterable[tuple[str, Row | None]]
"""Changed rows by key; None deletes."""

Evolver = Callable[[Rows, Any], Changes]
Reactor = Callable[[Any], Iterable[Effect]]


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of one kind of aggregate."""

    kind: str
    """Prefix of its topics: executions, flows."""
    deciders: Mapping[type[Command], Callable[[Any, Any], None]]
    evolvers: Mapping[type[Event], Evolver]
    reactors: Mapping[type[Event], Reactor]
    row_types: Mapping[str, type[Row]]
    """Row class by the first segment of a key (up to the first '/')."""
    draft: type[Draft]
    """The draft that its deciders work on."""
    finish: Callable[[Any], None] | None = None
    """Called with the draft at the end of each step that has events: it emits what follows from all of them."""
    outstanding: Mapping[str, Callable[[Any], Outstanding | None]] = {}
    """By the first letter of a key, what a row waits for. Effects may be lost with the process that was to carry them
    out, so whatever must arrive is a row until it is answered."""


class Draft:
    """An aggregate while a command is decided: its rows as they are after the events so far.

    Deciders call `emit`, which folds the event at once, so that later decisions in the same step see it.
    """

    __slots__ = ("aggregate", "answers", "at_ms", "changed", "context", "events", "id", "rows")

    def __init__(self, aggregate: Aggregate, id: str, rows: Rows, at_ms: int, context: Any) -> None:
        self.aggregate = aggregate
        self.id = id
        self.rows = rows
        self.at_ms = at_ms
        self.context = context
        """What the aggregate's deciders read besides rows: for executions an `engine.execution.draft.Setting`."""
        self.events: list[Event] = []
        self.changed: dict[str, Row | None] = {}
        self.answers: list[Effect] = []
        """Effects that answer the command itself and follow from no event, such as a refusal to a worker."""

    def get(self, key: str) -> Any:
        """Return the row as it is after the events so far."""
        changed = self.changed
        return changed[key] if key in changed else self.rows.get(key)

    def scan(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Yield (key, row) by prefix as they are after the events so far, ordered by key."""
        found = dict(self.rows.scan(prefix))
        for key, row in self.changed.items():
            if key.startswith(prefix):
                if row is None:
                    found.pop(key, None)
                else:
                    found[key] = row
        yield from sorted(found.items())

    def emit(self, event: Event) -> None:
        """Record that `event` happened, and fold it."""
        self.events.append(event)
        self.changed.update(self.aggregate.evolvers[type(event)](self, event))


class Step(msgspec.Struct, frozen=True):
    """What one command came to."""

    events: tuple[Event, ...]
    changed: dict[str, Row | None]
    effects: tuple[Effect, ...]


def step(aggregate: Aggregate, id: str, rows: Rows, command: Command, at_ms: int, context: Any) -> Step:
    """Decide a command, fold its events, and say what the world must do.

    Args:
        aggregate: Whose tables to use.
        id: The aggregate's id, the key of its records.
        rows: Its rows before the command.
        command: The request.
        at_ms: Unix time in milliseconds from the command's record: the only clock there is.
        context: What this aggregate's deciders read besides rows.

    Returns:
        Events oldest first; empty means "already so", never an error. A refused command is one `CommandRejected` if
        somebody waits for it, otherwise nothing.
    """
    draft = aggregate.draft(aggregate, id, rows, at_ms, context)
    try:
        aggregate.deciders[type(command)](draft, command)
    except Rejected as refused:
        if not command.request:
            return Step((), {}, ())
        return Step((CommandRejected(reason=refused.reason, message=refused.message),), {}, ())
    if aggregate.finish is not None and draft.events:
        aggregate.finish(draft)
    return Step(tuple(draft.events), draft.changed, (*react(aggregate, draft.events), *draft.answers))


def react(aggregate: Aggregate, events: Iterable[Event]) -> tuple[Effect, ...]:
    """Return the effects of events, in order. Never called on replay."""
    reactors = aggregate.reactors
    return tuple(effect for event in events if type(event) in reactors for effect in reactors[type(event)](event))


def fold(aggregate: Aggregate, rows: Rows, events: Iterable[Event]) -> dict[str, Row | None]:
    """Return the rows that recorded events change: replay, without deciding or reacting."""
    draft = Draft(aggregate, "", rows, 0, None)
    for event in events:
        draft.emit(event)
    return draft.changed


def rejected_changes_nothing(_rows: Rows, _event: CommandRejected) -> Changes:
    """Fold a refusal: nothing changes."""
    return ()
