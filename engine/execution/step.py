"""The only door to the Execution aggregate: decide, fold, react."""

from __future__ import annotations

from engine import machine
from engine.execution.decide import DECIDERS
from engine.execution.draft import ExecutionDraft, Setting
from engine.execution.evolve import EVOLVERS
from engine.execution.listening import tell_triggers
from engine.execution.outstanding import OUTSTANDING
from engine.execution.react import REACTORS
from engine.execution.state import ROW_TYPES
from engine.machine import SEQUENCE, Aggregate, Command, Rows, Sequence, Step

EXECUTIONS = Aggregate(
    kind="executions",
    deciders=DECIDERS,
    evolvers=EVOLVERS,
    reactors=REACTORS,
    row_types={**ROW_TYPES, SEQUENCE: Sequence},
    draft=ExecutionDraft,
    outstanding=OUTSTANDING,
    finish=tell_triggers,
)


def step(execution_id: str, rows: Rows, command: Command, at_ms: int, setting: Setting) -> Step:
    """Decide a command of one execution. Pure: calling it twice gives equal results."""
    return machine.step(EXECUTIONS, execution_id, rows, command, at_ms, setting)
