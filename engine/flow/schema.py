"""The JSON schema of a flow, and of one type: what editors complete and check against, and what documents a type.

Owns how the schemas of the models in `shapes` are put together; what they say is said there. What a schema can't say
(unique ids, cycles, what templates read) is only in `rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from engine.flow import inputs, tasks, triggers
from engine.flow.properties import fits
from engine.flow.shapes import flow_parts, parts, trigger_parts
from engine.flow.shapes.documents import model_schema, part_schema
from engine.flow.shapes.kinds import DEFINITIONS, Schema, reference
from engine.flow.shapes.parts import Part
from engine.flow.shapes.typed import model_of
from engine.flow.types import ALIASES, CORE, TYPES, TypeInfo

PARTS: Mapping[str, type[Part]] = {
    "flow": flow_parts.FlowPart,
    "task": parts.TaskPart,
    "trigger": parts.TriggerPart,
    "input": flow_parts.InputPart,
    "retry": parts.RetryPart,
    "taskCache": parts.TaskCachePart,
    "checkFrequency": parts.CheckFrequencyPart,
    "folderCache": parts.FolderCachePart,
    "workerGroup": parts.WorkerGroupPart,
    "workerSelector": parts.WorkerSelectorPart,
    "dagTask": parts.DagTaskPart,
    "inputDependency": flow_parts.InputDependencyPart,
    "output": flow_parts.OutputPart,
    "loopOutput": flow_parts.LoopOutputPart,
    "concurrency": flow_parts.ConcurrencyPart,
    "pluginDefault": flow_parts.PluginDefaultPart,
    "listener": flow_parts.ListenerPart,
    "maxDuration": flow_parts.MaxDurationPart,
    "assertion": flow_parts.AssertionPart,
    "check": flow_parts.CheckPart,
    "quota": flow_parts.QuotaPart,
    "dependency": trigger_parts.DependencyPart,
    "filter": trigger_parts.FilterPart,
    "where": trigger_parts.WherePart,
    "timeWindow": trigger_parts.TimeWindowPart,
    "preconditions": trigger_parts.PreconditionsPart,
    "window": trigger_parts.WindowPart,
}
"""The models by the names under which the schema and `words.json` know them."""
_WITH_A_TYPE = frozenset({"flow", "task", "trigger", "input"})
"""Those whose schema isn't told by the model alone."""
_COMMON_TO_OTHERS = frozenset({"type", "version"})
_ELSEWHERE = r"^(?!io\.kestra\.(plugin\.)?core\.).*\."
"""A type that the table need not know: one of a plugin."""


@lru_cache(maxsize=1)
def flow_json_schema() -> Schema:
    """Return the JSON schema (draft 2020-12) of a flow; the same object every time, so don't change it."""
    definitions: dict[str, Schema] = {
        **DEFINITIONS,
        **definitions_of_parts(),
        "knownType": {"enum": [*TYPES, *ALIASES]},
    }
    for name, info in TYPES.items():
        definitions[name] = _type_schema(name, info)
    for kind in ("task", "trigger", "condition", "runner"):
        definitions[kind] = _chosen_by_type(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Flow",
        **_common("flow"),
        "$defs": definitions,
    }


@lru_cache(maxsize=1)
def definitions_of_parts() -> Mapping[str, Schema]:
    """Return the definitions of all that has a fixed form within a flow, by name."""
    return {
        **{name: part_schema(part, name) for name, part in PARTS.items() if name not in _WITH_A_TYPE},
        "input": {"anyOf": [_input_schema(kind) for kind in inputs.TYPE_PROPERTIES]},
        "sla": {"anyOf": [reference("maxDuration"), reference("assertion")]},
        "valueType": {"enum": [*inputs.TYPE_PROPERTIES, *inputs.TYPE_ALIASES]},
    }


def _input_schema(kind: str) -> Schema:
    names = [kind, *(alias for alias, present in inputs.TYPE_ALIASES.items() if present == kind)]
    schema = model_schema(model_of(inputs.TYPE_PROPERTIES[kind]), f"input.{kind}")
    schema["properties"] = {**_common("input")["properties"], **schema["properties"], "type": _one_of(names)}
    schema["required"] = ["type", *(["itemType"] if kind == "ARRAY" else [])]
    return schema


def own_schema(name: str, info: TypeInfo) -> Schema:
    """Return the schema of the properties that only a type has."""
    schema = model_schema(model_of(info.properties, closed=name.startswith(CORE)), name)
    if info.deprecated:
        schema["deprecated"] = True
    if info.replacement is not None:
        schema["description"] = f"Replaced by {info.replacement}."
    return schema


def common_schema(info: TypeInfo) -> Schema:
    """Return the schema of the properties that a type shares with all of its kind."""
    return _common("task" if info.is_task else "trigger" if info.is_trigger else info.kind)


def _common(kind: str) -> Schema:
    return part_schema(PARTS[kind], kind) if kind in PARTS else {"properties": {}, "required": ["type"]}


def _type_schema(name: str, info: TypeInfo) -> Schema:
    schema = own_schema(name, info)
    common = tasks.COMMON if info.is_task else triggers.COMMON if info.is_trigger else _COMMON_TO_OTHERS
    # What is common is said where the type is chosen; here it only has to be let through.
    schema["properties"] = {
        **dict.fromkeys(sorted(common), True),
        **schema["properties"],
        "type": _one_of([name, *info.other.split()]),
    }
    # Elsewhere plugin defaults often give what is required, which a schema can't know.
    needed = schema.get("required", ()) if name.startswith(CORE) else ()
    schema["required"] = [*(["id"] if "id" in common else []), "type", *needed]
    return schema


def _one_of(names: list[str]) -> Schema:
    return {"const": names[0]} if len(names) == 1 else {"enum": names}


def _chosen_by_type(kind: str) -> Schema:
    """A thing whose type says which schema holds for it.

    Each type is a condition of its own, not one of many alternatives: tasks hold tasks, and whoever tries alternatives
    looks at the innermost ones once for each way to get there. A type that the table doesn't know may have any
    properties, as long as it isn't among those that the table knows completely.
    """
    known = {name: [name, *info.other.split()] for name, info in TYPES.items() if fits(info, kind)}
    other: Schema = {"type": "string", "not": reference("knownType"), "pattern": _ELSEWHERE}
    names = [name for all_names in known.values() for name in all_names]
    common = _common(kind)
    return {
        **common,
        "type": "object",
        "properties": {**common["properties"], "type": {"anyOf": [{"enum": names}, other]}},
        "allOf": [
            {"if": {"properties": {"type": {"enum": all_names}}, "required": ["type"]}, "then": reference(name)}
            for name, all_names in known.items()
        ],
    }
