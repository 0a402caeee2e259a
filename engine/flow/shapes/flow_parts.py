"""Models of what stands at the top of a flow, and of the flow itself.

Owns which properties they have and of which kind each is; see `parts` for how to read them.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from engine.flow.shapes import fixed_kinds as kinds
from engine.flow.shapes.fixed_kinds import FLAG_SET, TEXT, choice, whole
from engine.flow.shapes.kinds import Kind, reference, shown
from engine.flow.shapes.parts import Flag, Free, Labels, Map, Part, Text, identifier
from engine.flow.shapes.table_kinds import OF_TYPES

FLOW_ID = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]*")
NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._-]*")
INPUT_ID = re.compile(r"[a-zA-Z0-9][.a-zA-Z0-9_-]*")

_INPUT_ID = identifier(INPUT_ID)


def _listed(part: str) -> Kind:
    """A list that somebody else reads, with a message of its own if it is none."""
    return shown({"type": ["array", "null"], "items": reference(part)})


class InputDependencyPart(Part):
    """What must be known before an input is asked for."""

    what = "the dependencies of an input"

    inputs: Annotated[tuple[str, ...], kinds.ids("input ids")] = ()
    condition: Text = None


class InputPart(Part):
    """What all inputs have in common."""

    model_config = ConfigDict(extra="ignore")
    what = "an input"
    elsewhere = ("type",)

    id: Annotated[Any, _INPUT_ID] = None
    name: Annotated[Any, _INPUT_ID] = None
    type: Free
    description: Text = None
    display_name: Text = None
    required: Annotated[bool, FLAG_SET] = True
    defaults: Free = None
    prefill: Free = None
    depends_on: Annotated[dict[str, Any] | None, kinds.map_of("inputDependency")] = None
    condition: Text = None


class OutputPart(Part):
    """An output of a flow."""

    what = "an output"
    stand_ins = {"value": ""}
    elsewhere = ("id", "type")

    id: Annotated[Any, _INPUT_ID]
    type: Annotated[Any, shown(reference("valueType"))]
    value: Annotated[Any, kinds.FREE.needed()]
    required: Annotated[bool, FLAG_SET] = True
    description: Text = None
    display_name: Text = None
    item_type: Free = None


class LoopOutputPart(OutputPart):
    """An output of a Loop; a text, if it has no type."""

    type: Annotated[Any, shown(reference("valueType"))] = None


class ConcurrencyPart(Part):
    """How many executions of the flow may run at once."""

    what = "concurrency"
    stand_ins = {"limit": 1}

    limit: Annotated[int, whole(1).needed()]
    behavior: Annotated[str, choice(("QUEUE", "CANCEL", "FAIL"), default="QUEUE")] = "QUEUE"


class PluginDefaultPart(Part):
    """Values for every map of a type."""

    what = "a plugin default"
    elsewhere = ("type", "values")

    type: Annotated[Any, shown({"type": "string", "minLength": 1})]
    forced: Flag = False
    values: Annotated[Any, shown({"type": "object"})]


class ListenerPart(Part):
    """Tasks after an execution (older generation)."""

    what = "a listener"
    elsewhere = ("tasks",)

    description: Text = None
    conditions: Annotated[list[Any] | None, kinds.list_of("condition")] = None
    tasks: Annotated[Any, OF_TYPES["tasks"]]


_SLA_TYPES = ("MAX_DURATION", "EXECUTION_ASSERTION")
_SlaBehavior = Annotated[str, choice(("FAIL", "CANCEL", "NONE")).needed()]


class MaxDurationPart(Part):
    """An SLA: how long an execution may take."""

    what = "an SLA"
    variant = " of type MAX_DURATION"
    stand_ins = {"id": "", "type": "MAX_DURATION", "behavior": "FAIL", "duration": 0}

    id: Annotated[Any, TEXT.needed()]
    type: Annotated[str, choice(_SLA_TYPES, offered=("MAX_DURATION",)).needed()]
    behavior: _SlaBehavior
    labels: Labels = None
    duration: Annotated[int, kinds.DURATION.needed()]


class AssertionPart(Part):
    """An SLA: what must hold of an execution."""

    what = "an SLA"
    variant = " of type EXECUTION_ASSERTION"
    stand_ins = {"id": "", "type": "EXECUTION_ASSERTION", "behavior": "FAIL", "assert": ""}

    id: Annotated[Any, TEXT.needed()]
    type: Annotated[str, choice(_SLA_TYPES, offered=("EXECUTION_ASSERTION",)).needed()]
    behavior: _SlaBehavior
    labels: Labels = None
    assert_: Annotated[Any, TEXT.needed()] = Field(alias="assert")


class CheckPart(Part):
    """What must hold before an execution is made."""

    what = "a check"
    stand_ins = {"message": ""}

    id: Free = None
    condition: Free = None
    when: Free = None
    message: Annotated[Any, TEXT.needed()]
    style: Annotated[str | None, choice(("ERROR", "SUCCESS", "WARNING", "INFO"))] = None
    behavior: Annotated[str | None, choice(("BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION"))] = None


class QuotaPart(Part):
    """How many executions may be made in a time."""

    what = "a quota"
    stand_ins = {"duration": "PT1M", "limit": 1}

    duration: Annotated[int, kinds.DURATION.needed()]
    limit: Annotated[int, whole(1).needed()]
    behavior: Annotated[str | None, choice(("FAIL", "CANCEL"))] = None


class FlowPart(Part):
    """A flow."""

    what = "a flow"
    elsewhere = ("id", "namespace", "tasks")

    id: Annotated[Any, identifier(FLOW_ID, 100)]
    namespace: Annotated[Any, identifier(NAMESPACE, 150)]
    description: Text = None
    labels: Labels = None
    disabled: Flag = False
    draft: Flag = False
    inputs: Annotated[Any, _listed("input")] = None
    variables: Map = None
    tasks: Annotated[Any, shown({"type": "array", "minItems": 1, "items": reference("task")})]
    errors: Annotated[Any, OF_TYPES["tasks"]] = None
    finally_: Annotated[Any, OF_TYPES["tasks"]] = Field(None, alias="finally")
    after_execution: Annotated[Any, OF_TYPES["tasks"]] = None
    triggers: Annotated[Any, _listed("trigger")] = None
    outputs: Annotated[Any, _listed("output")] = None
    concurrency: Annotated[dict[str, Any] | None, kinds.map_of("concurrency")] = None
    retry: Annotated[Any, kinds.map_of("retry")] = None
    sla: Annotated[Any, kinds.list_of("sla")] = None
    checks: Annotated[Any, kinds.list_of("check")] = None
    quotas: Annotated[Any, kinds.list_of("quota")] = None
    plugin_defaults: Annotated[Any, _listed("pluginDefault")] = None
    task_defaults: Annotated[Any, _listed("pluginDefault")] = None
    listeners: Annotated[Any, _listed("listener")] = None
    worker_group: Annotated[Any, kinds.map_of("workerGroup")] = None
    worker_selector: Annotated[Any, kinds.map_of("workerSelector")] = None
    policy_refs: Free = None
    version: Free = None
    revision: Annotated[int | None, whole(0)] = None
    tenant_id: Free = None
    deleted: Free = None
    updated: Free = None
    source: Free = None
