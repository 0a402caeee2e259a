"""The JSON schema of a flow: what editors complete and check against.

Owns the translation of the front door's own tables (types, properties common to all tasks, kinds of inputs) into JSON
schema; nothing is said here that isn't said there. What a schema can't say (unique ids, cycles, what templates read)
is only in `rules`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from engine.flow import inputs, tasks, triggers
from engine.flow.cron import NICKNAMES
from engine.flow.fields import BEHAVIORS, RETRY_KINDS
from engine.flow.parse import FLOW_ID, NAMESPACE
from engine.flow.properties import fits
from engine.flow.rules.tasks import CHOICES, LEVELS
from engine.flow.types import ALIASES, CORE, TYPES, Property, TypeInfo
from engine.values import State

Schema = dict[str, Any]

_TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{|\{%"}
_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_NAMED: dict[str, Schema] = {
    "text": _TEXT,
    "dynamicBoolean": {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}, _TEMPLATE]},
    "dynamicInteger": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^[-+]?\d+$"}, _TEMPLATE]},
    "dynamicNumber": {"anyOf": [{"type": "number"}, {"type": "string"}]},
    "duration": {
        "description": "An ISO 8601 duration such as PT30S or P1D, a number of seconds, or an expression.",
        "type": ["string", "number"],
    },
    "dynamicList": {"type": ["array", "string"]},
    "dynamicMap": {"type": ["object", "string"]},
    "labels": {
        "anyOf": [
            {"type": "object", "additionalProperties": _TEXT},
            {"type": "array", "items": {"type": "object", "required": ["key", "value"]}},
            _TEMPLATE,
        ]
    },
    "level": {"enum": list(LEVELS)},
    "states": {"type": "array", "items": {"enum": [state.value for state in State]}},
    "any": {},
}
_KINDS = {
    "str": "text",
    "bool": "dynamicBoolean",
    "int": "dynamicInteger",
    "num": "dynamicNumber",
    "duration": "duration",
    "datetime": "text",
    "list": "dynamicList",
    "map": "dynamicMap",
    "labels": "labels",
    "tasks": "tasks",
    "task": "task",
    "dag": "dagTasks",
    "cases": "cases",
}


@lru_cache(maxsize=1)
def flow_json_schema() -> Schema:
    """Return the JSON schema (draft 2020-12) of a flow; the same object every time, so don't change it."""
    definitions = {**_NAMED, **_parts()}
    for name, info in TYPES.items():
        definitions[name] = _type_schema(name, info)
    for kind in ("task", "trigger", "condition", "runner"):
        definitions[kind] = _chosen_by_type(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Flow",
        **_flow(),
        "$defs": definitions,
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _object(properties: Schema, required: tuple[str, ...] = (), closed: bool = True) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = list(required)
    if closed:
        schema["additionalProperties"] = False
    return schema


def _list(name: str) -> Schema:
    return {"type": ["array", "null"], "items": _ref(name)}


def _chosen_by_type(kind: str) -> Schema:
    """A thing whose type says which schema holds for it.

    Each type is a condition of its own, not one of many alternatives: tasks hold tasks, and whoever tries alternatives
    looks at the innermost ones once for each way to get there. A type that the table doesn't know may have any
    properties, as long as it isn't among those that the table knows completely.
    """
    known = {name: [name, *info.other.split()] for name, info in TYPES.items() if fits(info, kind)}
    other: Schema = {"type": "string", "not": _ref("knownType"), "pattern": r"^(?!io\.kestra\.plugin\.core\.)"}
    names = [name for all_names in known.values() for name in all_names]
    return {
        "type": "object",
        "required": ["id", "type"] if kind in ("task", "trigger") else ["type"],
        "properties": {"type": {"anyOf": [{"enum": names}, other]}},
        "allOf": [
            {"if": {"properties": {"type": {"enum": all_names}}, "required": ["type"]}, "then": _ref(name)}
            for name, all_names in known.items()
        ],
    }


def _type_schema(name: str, info: TypeInfo) -> Schema:
    names = [name, *info.other.split()]
    shared = "taskCommon" if info.is_task else "triggerCommon" if info.is_trigger else None
    common = dict.fromkeys({"taskCommon": tasks.COMMON, "triggerCommon": triggers.COMMON}.get(shared or "", ()), True)
    own = {found.name: _property(name, found) for found in info.properties.values()}
    identity: Schema = {"type": {"const": name} if len(names) == 1 else {"enum": names}}
    required = ("id", "type") if common else ("type",)
    closed = name.startswith(CORE)
    # Elsewhere plugin defaults often give what is required, which a schema can't know.
    needed = info.required if closed else ()
    schema = _object({**dict(sorted(common.items())), **own, **identity}, (*required, *needed), closed)
    if shared is not None:
        schema["allOf"] = [_ref(shared)]
    if info.deprecated:
        schema["deprecated"] = True
    if info.replacement is not None:
        schema["description"] = f"Replaced by {info.replacement}."
    return schema


def _property(name: str, found: Property) -> Schema:
    choices = CHOICES.get(name.removeprefix(CORE), {}).get(found.name)
    if choices is not None:
        return {"anyOf": [{"enum": list(choices)}, _TEMPLATE]}
    if found.name == "cron":
        return {"type": "string", "examples": ["0 9 * * 1-5", *sorted(NICKNAMES)]}
    if found.name == "taskRunner":
        return _ref("runner")
    if found.name == "states" or found.name == "stopAfter":
        return {"anyOf": [_ref("states"), _TEMPLATE]}
    return _ref(_KINDS.get(found.kind, "any"))


def _task_common() -> Schema:
    special: Schema = {
        "id": {"type": "string", "pattern": f"^{tasks.TASK_ID.pattern}$", "maxLength": 256},
        "retry": _ref("retry"),
        "timeout": _ref("duration"),
        "logLevel": _ref("level"),
        "taskCache": _object({"enabled": {"type": "boolean"}, "ttl": _ref("duration")}, ("enabled",)),
        "workerGroup": {"type": "object"},
        "workerSelector": {"type": "object"},
        "assets": _ref("any"),
        "policyRefs": {"type": "array"},
    }
    flags = dict.fromkeys(("disabled", "allowFailure", "allowWarning", "logToFile"), _ref("dynamicBoolean"))
    return {name: special.get(name, flags.get(name, _ref("text"))) for name in sorted(tasks.COMMON)}


def _trigger_common() -> Schema:
    special: Schema = {
        "id": {"type": "string", "pattern": f"^{tasks.TASK_ID.pattern}$", "maxLength": 256},
        "conditions": _list("condition"),
        "labels": _ref("labels"),
        "stopAfter": _ref("states"),
        "logLevel": _ref("level"),
        "minLogLevel": {**_ref("level"), "deprecated": True},
        "workerGroup": {"type": "object"},
        "workerSelector": {"type": "object"},
        "assets": _ref("any"),
        "policyRefs": {"type": "array"},
    }
    flags = dict.fromkeys(("disabled", "allowConcurrent", "failOnTriggerError", "logToFile"), _ref("dynamicBoolean"))
    return {name: special.get(name, flags.get(name, _ref("text"))) for name in sorted(triggers.COMMON)}


def _parts() -> dict[str, Schema]:
    dag_item = _object({"task": _ref("task"), "dependsOn": {"type": "array", "items": {"type": "string"}}}, ("task",))
    return {
        "knownType": {"enum": [*TYPES, *ALIASES]},
        "taskCommon": {"type": "object", "properties": _task_common()},
        "triggerCommon": {"type": "object", "properties": _trigger_common()},
        "tasks": {"type": ["array", "null"], "items": _ref("task")},
        "dagTasks": {"type": "array", "items": dag_item},
        "cases": {"type": "object", "additionalProperties": _ref("tasks")},
        "retry": _retry(),
        "input": _input(),
        "output": _output(),
    }


def _retry() -> Schema:
    durations = dict.fromkeys(("interval", "maxInterval", "minInterval", "maxDuration"), _ref("duration"))
    return _object(
        {
            "type": {"enum": list(RETRY_KINDS)},
            **durations,
            "delayFactor": {"type": "number"},
            "maxAttempts": {"type": "integer", "minimum": 1},
            "maxAttempt": {"type": "integer", "minimum": 1, "deprecated": True},
            "warningOnRetry": {"type": "boolean"},
            "behavior": {"enum": list(BEHAVIORS)},
        },
        ("type",),
    )


def _input() -> Schema:
    common: Schema = {name: _ref("text") for name in ("id", "name", "description", "displayName")}
    common |= {"required": _ref("dynamicBoolean"), "defaults": {}, "prefill": {}}
    common["dependsOn"] = _object({"inputs": {"type": "array", "items": {"type": "string"}}, "condition": _ref("text")})
    names = {kind: [kind] for kind in inputs.TYPE_PROPERTIES}
    for alias, kind in inputs.TYPE_ALIASES.items():
        names[kind].append(alias)
    shapes: list[Schema] = []
    for kind, own in inputs.TYPE_PROPERTIES.items():
        properties = {**common, **{key: {} for key in own}, "type": {"enum": names[kind]}}
        shapes.append(_object(properties, ("type", "itemType") if kind == "ARRAY" else ("type",)))
    return {"anyOf": shapes}


def _output() -> Schema:
    kinds = [*inputs.TYPE_PROPERTIES, *inputs.TYPE_ALIASES]
    texts = {name: _ref("text") for name in ("id", "description", "displayName")}
    properties = {**texts, "type": {"enum": kinds}, "value": {}, "required": _ref("dynamicBoolean"), "itemType": {}}
    return _object(properties, ("id", "type", "value"))


def _flow() -> Schema:
    concurrency = {"limit": {"type": "integer", "minimum": 1}, "behavior": {"enum": ["QUEUE", "CANCEL", "FAIL"]}}
    default = _object({"type": {"type": "string"}, "forced": {"type": "boolean"}, "values": {"type": "object"}})
    return _object(
        {
            "id": {"type": "string", "pattern": f"^{FLOW_ID.pattern}$", "maxLength": 100},
            "namespace": {"type": "string", "pattern": f"^{NAMESPACE.pattern}$", "maxLength": 150},
            "description": _ref("text"),
            "revision": {"type": "integer"},
            "labels": _ref("labels"),
            "disabled": _ref("dynamicBoolean"),
            "draft": _ref("dynamicBoolean"),
            "inputs": _list("input"),
            "variables": {"type": "object"},
            "tasks": {"type": "array", "minItems": 1, "items": _ref("task")},
            **dict.fromkeys(("errors", "finally", "afterExecution"), _ref("tasks")),
            "triggers": _list("trigger"),
            "outputs": _list("output"),
            "concurrency": _object(concurrency, ("limit",)),
            "retry": _ref("retry"),
            **{key: {"type": "array", "items": {"type": "object"}} for key in ("sla", "checks", "quotas")},
            "pluginDefaults": {"type": "array", "items": default},
            "taskDefaults": {"type": "array", "items": default, "deprecated": True},
            "listeners": {"type": "array", "items": {"type": "object"}, "deprecated": True},
            "workerGroup": {"type": "object"},
            "workerSelector": {"type": "object"},
            **{key: {} for key in ("version", "tenantId", "source", "updated", "deleted", "policyRefs")},
        },
        ("id", "namespace", "tasks"),
    )
