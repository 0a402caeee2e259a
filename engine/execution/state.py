"""An execution's state: rows, each under a key of its own.

Owns the row classes and their keys. Rows change in `evolve/` only. Nothing on the hot path iterates over all task runs;
of a loop only the active iterations and the failed ones have rows.
"""

from __future__ import annotations

from engine.execution.carried import CarriedRun
from engine.execution.events.listeners import ListenerFound, StarterCalled, TriggerSwitchAsked
from engine.execution.kin import KIN_ROWS
from engine.machine import Row, Timer
from engine.values import State, derive_id

HEADER = "h"
INPUTS = "i"
ENDING = "e"
SLOT = "c"
STARTER = "g"
ROOT = "root"
CHUNK = 256
"""Loop values per row: starting an iteration reads one chunk, not the whole list."""


class Header(Row, frozen=True, kw_only=True):
    """The execution itself; key `h`."""

    namespace: str
    flow_id: str
    revision: int
    state: State
    created_ms: int
    original_id: str
    parent_id: str | None = None
    kind: str = "NORMAL"
    labels: dict[str, str] = {}
    attempt: int = 1
    paused: int = 0
    """How many task runs are paused."""
    exiting: State | None = None
    """A task ends the execution in this state, as soon as what runs at workers has ended."""
    held: bool = False
    """A person paused the execution as a whole: nothing new starts."""
    settled: bool = False
    ended_ms: int = 0
    sources: tuple[str, ...] = ()
    """Executions whose files it may read, as `<namespace>/<flow>/<id>`."""
    restated: str = ""
    """Id of the task run whose state was changed by hand, if that is why the execution goes on."""
    carries: bool = False
    """Task runs of another execution wait for their places to be reached."""
    bare: bool = False
    """It ended well: snapshots keep no more of it than this row, whatever state a person says that it has."""
    violated: tuple[str, ...] = ()
    """SLAs that were violated, as `<attempt of the execution>/<index of the SLA>`."""
    deleted: bool = False
    """A person deleted it: only its id is remembered."""


class Inputs(Row, frozen=True, kw_only=True):
    """What templates read of the execution's beginning; key `i`."""

    inputs_json: bytes
    variables_json: bytes
    trigger_json: bytes
    whole: bool = False
    """True: the variables take the place of the flow's; False: they are put over them."""


class Scope(Row, frozen=True, kw_only=True):
    """A flowable that runs, or the flow itself; key `s/<id>`."""

    id: str
    task_id: str
    order: str
    branch: str
    parent_scope_id: str
    path: tuple[str, ...] = ()
    limit: int = 0
    inner: str = "sequential"
    phase: str = "tasks"
    """tasks | errors | finally | listeners.N | afterExecution; `branch` names the list that the phase `tasks` runs."""
    started: int = 0
    """Children (or iterations) created of the phase `tasks`: the cursor into its list."""
    phase_started: int = 0
    """The same for the phase after `tasks` that it is in."""
    active: int = 0
    total: int = 0
    """Values of a loop."""
    failed: int = 0
    killed: int = 0
    warned: int = 0
    cancelled: int = 0
    broken: bool = False
    """A child of a phase after `tasks` failed: the phase stops there."""
    stop_at: int = -1
    """Of a loop: the iterations before this one begin although one failed, as there was room for them by then; -1: none
    has failed."""
    kept: tuple[str, ...] = ()
    """Where rows are fleeting: ids of the ended task runs (of a loop: its iterations' scopes) that a restart may need.
    Their rows go with this one; of all other children the rows are gone already."""
    begun: tuple[str, ...] = ()
    over: tuple[str, ...] = ()
    """Of a Dag: ids of the tasks begun and ended."""
    value: str | None = None
    iteration: int | None = None
    fleeting: bool = False
    """True within loops: rows of task runs that ended well go at once."""
    turn: int = 0
    """Of a LoopUntil: which turn this is, from 1."""
    resting: bool = False
    """Of a LoopUntil: the next turn waits for its time."""
    done: bool = False
    """Of a LoopUntil: there is no further turn."""
    error: str = ""
    """Why it failed though none of its tasks did."""
    closed: State | None = None
    opened_ms: int = 0


class TaskRun(Row, frozen=True, kw_only=True):
    """A task run; key `t/<id>`."""

    id: str
    task_id: str
    scope_id: str
    state: State
    created_ms: int
    parent_id: str | None = None
    value: str | None = None
    iteration: int | None = None
    epoch: int = 0
    """Number of the current attempt; 0 before the first dispatch."""
    worker_id: str = ""
    queue: str = ""
    since_ms: int = 0
    """When the current state began."""
    first_ms: int = 0
    """When its first attempt was made; a restart begins anew."""
    tried: int = 0
    """Attempts that failed since then: what a retry policy counts."""
    lost: int = 0
    """Attempts that began and whose worker was lost since then."""
    error: str = ""
    """Why it failed, if it did."""
    asking: str = ""
    """What of it a worker renders for the engine, see `TaskDispatched`; empty: nothing."""
    asked: int = 0
    """Attempts that only rendered something: templates don't count them."""
    killing: bool = False


class Output(Row, frozen=True, kw_only=True):
    """Outputs of a task run; key from `output_key`. Empty: there are rows below this key, one per value of a loop."""

    json: bytes


class Ending(Row, frozen=True, kw_only=True):
    """Outputs of the execution, for the tasks of `afterExecution`; key `e`."""

    outputs_json: bytes


class Slot(Row, frozen=True, kw_only=True):
    """The slot that an execution of a limited flow needs, has, or gives back; key `c`."""

    execution_id: str
    scope: str
    number: int
    revision: int
    limit: int
    behavior: str
    phase: str
    """asked | queued | held | returning: who has the say next is the flow's slots, or in between the execution."""
    forced: bool = False
    """The execution runs without waiting for it."""


class Telling(Row, frozen=True, kw_only=True):
    """What a flow trigger of another flow hasn't answered; key `l/<told id>`."""

    found: ListenerFound


class Switching(Row, frozen=True, kw_only=True):
    """A trigger that is to be turned off or on and hasn't answered; key `w/<told id>`."""

    asked: TriggerSwitchAsked


class Starter(Row, frozen=True, kw_only=True):
    """The trigger that started the execution, as long as it is to hear of the end; key `g`."""

    kind: str
    id: str
    trigger_id: str
    called: StarterCalled | None = None
    """What it hasn't answered."""


class Values(Row, frozen=True, kw_only=True):
    """`CHUNK` rendered values of a loop; key from `values_key`."""

    values: tuple[str, ...]


class Carried(Row, frozen=True, kw_only=True):
    """A task run of another execution that counts here when its place is reached; key `k/<id>`."""

    run: CarriedRun
    below: tuple[CarriedRun, ...] = ()
    """What it had below it."""


ROW_TYPES: dict[str, type[Row]] = {
    "h": Header,
    "i": Inputs,
    "s": Scope,
    "t": TaskRun,
    "o": Output,
    "e": Ending,
    "c": Slot,
    "m": Timer,
    "v": Values,
    "k": Carried,
    "l": Telling,
    "g": Starter,
    "w": Switching,
    **KIN_ROWS,
}


def scope_key(scope_id: str) -> str:
    """Return the key of a scope's row."""
    return "s/" + scope_id


def task_run_key(task_run_id: str) -> str:
    """Return the key of a task run's row."""
    return "t/" + task_run_id


def carried_key(task_run_id: str) -> str:
    """Return the key of the row that holds what was carried to a task run's place."""
    return "k/" + task_run_id


def timer_key(timer_id: str) -> str:
    """Return the key of a timer's row."""
    return "m/" + timer_id


def switching_key(told_id: str) -> str:
    """Return the key of a trigger that is to be turned off or on."""
    return "w/" + told_id


def telling_key(told_id: str) -> str:
    """Return the key of what a flow trigger is told."""
    return "l/" + told_id


def values_key(scope_id: str, chunk: int) -> str:
    """Return the key of the row that holds values `chunk * CHUNK …` of a loop."""
    return f"v/{scope_id}/{chunk:08d}"


def output_key(task_id: str, path: tuple[str, ...]) -> str:
    """Return the key of a task's outputs within the loops around it; '/' and '%' in values are escaped."""
    return "o/" + "/".join([task_id, *(escape_segment(value) for value in path)])


def escape_segment(value: str) -> str:
    """Return a loop value as one segment of a key."""
    return value.replace("%", "%25").replace("/", "%2F")


def unescape_segment(segment: str) -> str:
    """Return the loop value of a key's segment."""
    return segment.replace("%2F", "/").replace("%25", "%")


def iteration_scope_id(loop_scope_id: str, index: int) -> str:
    """Return the id of the scope that is one iteration of a loop."""
    return f"{loop_scope_id}#{index}"


def place_of(scope_id: str, turn: int) -> str:
    """Return what sets the task runs of a scope apart from all others: of a LoopUntil, those of each turn."""
    return scope_id if turn <= 1 else f"{scope_id}~{turn}"


def task_run_id(execution_id: str, place: str, task_id: str, attempt: int = 1) -> str:
    """Return the id of a task run; `attempt` counts how often the execution was restarted, from 1."""
    if attempt > 1:
        return derive_id(execution_id, place, task_id, attempt)
    return derive_id(execution_id, place, task_id)
