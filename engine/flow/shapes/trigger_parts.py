"""Models of what a flow trigger waits for: preconditions (older generation), dependencies and windows (newer).

Owns which properties they have and of which kind each is; see `parts` for how to read them. Which of them need each
other is in `rules/flow_trigger.py`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from engine.flow.shapes import fixed_kinds as kinds
from engine.flow.shapes.fixed_kinds import FLAG_SET, STATES, TEXT, choice
from engine.flow.shapes.parts import Free, Ms, Part, Text

ONE_VALUE = ("EQUAL_TO", "NOT_EQUAL_TO", "STARTS_WITH", "ENDS_WITH", "REGEX", "CONTAINS")
MANY_VALUES = ("IN", "NOT_IN")
NO_VALUE = ("IS_TRUE", "IS_FALSE", "IS_NULL", "IS_NOT_NULL")
TIME_WINDOWS = ("DURATION_WINDOW", "SLIDING_WINDOW", "DAILY_TIME_DEADLINE", "DAILY_TIME_WINDOW")


class DependencyPart(Part):
    """A flow whose executions are waited for."""

    what = "a dependency"

    id: Text = None
    namespace: Text = None
    flow_id: Text = None
    states: Annotated[Any, STATES] = None
    labels: Free = None
    when: Text = None


class FilterPart(Part):
    """What must hold of an execution that is waited for."""

    what = "a filter"

    field: Annotated[str, choice(("FLOW_ID", "NAMESPACE", "STATE", "EXPRESSION"), default="FLOW_ID")] = "FLOW_ID"
    type: Annotated[str, choice((*ONE_VALUE, *MANY_VALUES, *NO_VALUE), default="EQUAL_TO")] = "EQUAL_TO"
    value: Free = None
    values: Free = None


class WherePart(Part):
    """Filters of which all, or one, must let an execution through."""

    what = "a where block"
    stand_ins = {"filters": [{}]}

    id: Text = None
    operand: Annotated[str | None, choice(("AND", "OR"))] = None
    filters: Annotated[list[Any], kinds.list_of("filter").needed(empty=False)]


class TimeWindowPart(Part):
    """Within which time all preconditions must be met."""

    what = "a time window"

    type: Annotated[str, choice(TIME_WINDOWS, default="DURATION_WINDOW")] = "DURATION_WINDOW"
    window: Ms = None
    window_advance: Ms = None
    deadline: Free = None
    start_time: Free = None
    end_time: Free = None


class PreconditionsPart(Part):
    """What must have happened before the trigger fires (older generation)."""

    what = "preconditions"
    stand_ins = {"id": "?"}

    id: Annotated[str, TEXT.needed(empty=False)]
    description: Text = None
    time_window: Annotated[Any, kinds.map_of("timeWindow")] = None
    reset_on_success: Annotated[bool, FLAG_SET] = True
    flows: Annotated[Any, kinds.list_of("dependency")] = None
    where: Annotated[Any, kinds.list_of("where")] = None
    mode: Free = None


class WindowPart(Part):
    """Within which time all dependencies must be met (newer generation)."""

    what = "a window"

    deadline: Free = None
    from_: Free = Field(None, alias="from")
    to: Free = None
    every: Ms = None
    offset: Ms = None
    lookback: Ms = None
    timezone: Free = None
    fire_once: Free = None
