"""Search parameters to SQL: flat ones, `filters[field][OP]=value`, groups, sorting, paging.

Owns which fields of which resource may be searched and how. Values always travel as parameters of the statement.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from api.projections.execution_fold import LEVELS
from engine.values import parse_duration_ms

SIZE_MAX = 1000
CONDITIONS_MAX = 100
GROUP_DEPTH_MAX = 2

Pairs = Sequence[tuple[str, str]]
"""Query parameters in their order, decoded."""


class BadFilter(Exception):
    """A search parameter that can't be used. `name` says which one."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name = name


class Where(msgspec.Struct, frozen=True):
    """A condition in SQL with its parameters."""

    sql: str
    params: tuple[Any, ...] = ()


ALL = Where("1 = 1")


class Page(msgspec.Struct, frozen=True):
    """Which part of the results."""

    page: int
    size: int
    order: str
    """SQL after ORDER BY."""

    @property
    def offset(self) -> int:
        """How many results lie before."""
        return (self.page - 1) * self.size


Build = Callable[[str, str, str, str, int], Where]
"""Makes a condition of column, operation, key segment, value, now in milliseconds."""


class Field(msgspec.Struct, frozen=True):
    """A field that a resource may be searched by."""

    column: str
    build: Build


class Resource(msgspec.Struct, frozen=True):
    """What may be searched of a resource and how its flat parameters are meant."""

    fields: Mapping[str, Field]
    flat: Mapping[str, tuple[str, str]]
    """Flat parameter to field and operation."""
    sorts: Mapping[str, str]
    """Sort field to SQL column."""
    tie: tuple[str, ...]
    """Columns that make the order total."""


def escape_like(value: str) -> str:
    """Return a text that LIKE takes literally, with backslash as the escape."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def as_text(column: str, operation: str, _key: str, value: str, _now: int) -> Where:
    """Compare a text."""
    like = f"lower({column}) LIKE ? ESCAPE '\\'"
    match operation:
        case "EQUALS":
            return Where(f"{column} = ?", (value,))
        case "NOT_EQUALS":
            return Where(f"({column} IS NULL OR {column} <> ?)", (value,))
        case "IN" | "NOT_IN":
            values = [v for v in value.split(",") if v][:SIZE_MAX]
            if not values:
                return ALL
            marks = ", ".join("?" * len(values))
            sql = f"{column} IN ({marks})"
            return Where(sql if operation == "IN" else f"({column} IS NULL OR NOT {sql})", tuple(values))
        case "STARTS_WITH":
            return Where(like, (escape_like(value.lower()) + "%",))
        case "ENDS_WITH":
            return Where(like, ("%" + escape_like(value.lower()),))
        case "CONTAINS":
            return Where(like, (f"%{escape_like(value.lower())}%",))
        case "PREFIX":
            return Where(f"({column} = ? OR substr({column}, 1, ?) = ?)", (value, len(value) + 1, value + "."))
    raise BadFilter(operation, f"operation {operation} isn't possible here")


_COMPARISONS = {
    "EQUALS": "=",
    "NOT_EQUALS": "<>",
    "GREATER_THAN": ">",
    "LESS_THAN": "<",
    "GREATER_THAN_OR_EQUAL_TO": ">=",
    "LESS_THAN_OR_EQUAL_TO": "<=",
}


def parse_instant_ms(value: str) -> int:
    """Return a time in milliseconds.

    Args:
        value: ISO 8601; without a zone it is UTC. A space stands for a plus sign that wasn't escaped in an address.

    Raises:
        ValueError: If it is none; the message gives an example.
    """
    try:
        at = datetime.fromisoformat(value.strip().replace(" ", "+" if "T" in value else "T"))
    except ValueError:
        raise ValueError(f"Expected a time such as 2026-01-31T08:00:00Z, but got {value!r}") from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def as_time(column: str, operation: str, _key: str, value: str, _now: int) -> Where:
    """Compare a time."""
    sign = _COMPARISONS.get(operation)
    if sign is None:
        raise BadFilter(operation, f"operation {operation} isn't possible with a time")
    return Where(f"{column} {sign} ?", (parse_instant_ms(value),))


def _number(column: str, operation: str, _key: str, value: str, _now: int) -> Where:
    sign = _COMPARISONS.get(operation)
    if sign is None or not re.fullmatch(r"-?\d{1,18}", value):
        raise BadFilter(operation, f"Expected a whole number and a comparison, but got {operation} {value!r}")
    return Where(f"{column} {sign} ?", (int(value),))


def _range(column: str, _operation: str, _key: str, value: str, now: int) -> Where:
    return Where(f"{column} >= ?", (now - parse_duration_ms(value),))


def _level(column: str, operation: str, _key: str, value: str, _now: int) -> Where:
    if operation in ("IN", "NOT_IN"):
        levels = [LEVELS[name] for name in value.upper().split(",") if name in LEVELS]
        marks = ", ".join("?" * len(levels)) or "-1"
        return Where(f"{column} {'NOT ' if operation == 'NOT_IN' else ''}IN ({marks})", tuple(levels))
    level = LEVELS.get(value.upper())
    if level is None:
        raise BadFilter("level", f"Expected one of {', '.join(LEVELS)}, but got {value!r}")
    sign = {"NOT_EQUALS": "<>", "GREATER_THAN": ">", "LESS_THAN": "<", "LESS_THAN_OR_EQUAL_TO": "<="}.get(
        operation, ">="
    )
    return Where(f"{column} {sign} ?", (level,))


def _labels(table: str) -> Build:
    def build(column: str, operation: str, key: str, value: str, _now: int) -> Where:
        pairs = [(key, value)] if key else [tuple(p.split(":", 1)) for p in value.split(",") if ":" in p]
        if not pairs:
            raise BadFilter("labels", f"Expected key:value, but got {value!r}")
        joined = (
            "flows.namespace = l.namespace AND flows.id = l.id"
            if table == "flow_labels"
            else f"{column} = l.execution_id"
        )
        one = f"EXISTS (SELECT 1 FROM {table} l WHERE {joined} AND l.name = ? AND l.value = ?)"
        if operation in ("NOT_EQUALS", "NOT_IN"):
            one = "NOT " + one
        elif operation not in ("EQUALS", "IN"):
            raise BadFilter("labels", f"operation {operation} isn't possible with labels")
        return Where(" AND ".join([one] * len(pairs)), tuple(part for pair in pairs for part in pair))

    return build


def any_text(*columns: str) -> Build:
    """Look for a text in any of some columns."""

    def build(_column: str, _operation: str, _key: str, value: str, _now: int) -> Where:
        like = "%" + escape_like(value.lower()) + "%"
        return Where("(" + " OR ".join(f"lower({c}) LIKE ? ESCAPE '\\'" for c in columns) + ")", (like,) * len(columns))

    return build


def _child(column: str, _operation: str, _key: str, value: str, _now: int) -> Where:
    """Tell executions that another one asked for: what the trigger tells of them begins with that one's id."""
    found = f"COALESCE({column}, '') LIKE ?"
    return Where(found if value.upper() == "CHILD" else f"NOT ({found})", ('%"variables":{"executionId":"%',))


def in_scope(column: str, operation: str, _key: str, value: str, _now: int) -> Where:
    """Tell system flows from those of users."""
    scopes = {part.strip().upper() for part in value.split(",")}
    wanted = "SYSTEM" if operation in ("NOT_EQUALS", "NOT_IN") and scopes == {"USER"} else ",".join(scopes)
    if wanted == "USER":
        return Where(f"{column} <> 'system'")
    return Where(f"{column} = 'system'") if wanted == "SYSTEM" else ALL


def _task(_column: str, operation: str, _key: str, value: str, now: int) -> Where:
    inner = as_text("t.task_id", operation, "", value, now)
    return Where(
        f"EXISTS (SELECT 1 FROM task_runs t WHERE t.execution_id = executions.id AND {inner.sql})", inner.params
    )


EXECUTIONS = Resource(
    fields={
        "q": Field("", any_text("id", "namespace", "flow_id")),
        "query": Field("", any_text("id", "namespace", "flow_id")),
        "namespace": Field("namespace", as_text),
        "flowId": Field("flow_id", as_text),
        "state": Field("state", as_text),
        "startDate": Field("created_ms", as_time),
        "endDate": Field("end_ms", as_time),
        "timeRange": Field("created_ms", _range),
        "labels": Field("executions.id", _labels("execution_labels")),
        "kind": Field("kind", as_text),
        "parentId": Field("parent_id", as_text),
        "triggerExecutionId": Field("trigger_json", lambda c, _o, k, v, n: as_text(c, "CONTAINS", k, f'"{v}"', n)),
        "childFilter": Field("trigger_json", _child),
        "scope": Field("namespace", in_scope),
        "taskId": Field("", _task),
        "id": Field("id", as_text),
        "originalId": Field("original_id", as_text),
    },
    flat={
        "q": ("q", "EQUALS"),
        "namespace": ("namespace", "PREFIX"),
        "flowId": ("flowId", "EQUALS"),
        "state": ("state", "IN"),
        "startDate": ("startDate", "GREATER_THAN_OR_EQUAL_TO"),
        "endDate": ("endDate", "LESS_THAN_OR_EQUAL_TO"),
        "timeRange": ("timeRange", "EQUALS"),
        "labels": ("labels", "EQUALS"),
        "kind": ("kind", "IN"),
        "parentId": ("parentId", "EQUALS"),
        "triggerExecutionId": ("triggerExecutionId", "EQUALS"),
        "childFilter": ("childFilter", "EQUALS"),
        "scope": ("scope", "IN"),
    },
    sorts={
        "id": "id",
        "namespace": "namespace",
        "flowId": "flow_id",
        "flowRevision": "revision",
        "state": "state",
        "state.current": "state",
        "startDate": "created_ms",
        "state.startDate": "created_ms",
        "endDate": "end_ms",
        "state.endDate": "end_ms",
        "duration": "(COALESCE(end_ms, 9000000000000) - created_ms)",
        "state.duration": "(COALESCE(end_ms, 9000000000000) - created_ms)",
    },
    tie=("id",),
)
LINES = Resource(
    fields={
        "q": Field("", any_text("message")),
        "query": Field("", any_text("message")),
        "namespace": Field("namespace", as_text),
        "flowId": Field("flow_id", as_text),
        "executionId": Field("execution_id", as_text),
        "taskId": Field("task_id", as_text),
        "taskRunId": Field("task_run_id", as_text),
        "attemptNumber": Field("attempt", _number),
        "level": Field("level", _level),
        "startDate": Field("at_ms", as_time),
        "endDate": Field("at_ms", as_time),
        "timeRange": Field("at_ms", _range),
        "scope": Field("namespace", in_scope),
    },
    flat={
        "q": ("q", "EQUALS"),
        "namespace": ("namespace", "PREFIX"),
        "flowId": ("flowId", "EQUALS"),
        "executionId": ("executionId", "EQUALS"),
        "taskId": ("taskId", "EQUALS"),
        "taskRunId": ("taskRunId", "EQUALS"),
        "attempt": ("attemptNumber", "EQUALS"),
        "minLevel": ("level", "GREATER_THAN_OR_EQUAL_TO"),
        "startDate": ("startDate", "GREATER_THAN_OR_EQUAL_TO"),
        "endDate": ("endDate", "LESS_THAN_OR_EQUAL_TO"),
        "timeRange": ("timeRange", "EQUALS"),
        "scope": ("scope", "IN"),
    },
    sorts={"timestamp": "at_ms", "level": "level", "namespace": "namespace", "flowId": "flow_id"},
    tie=("number", "id"),
)
FLOWS = Resource(
    fields={
        "q": Field("", any_text("namespace", "id", "description")),
        "query": Field("", any_text("namespace", "id", "description")),
        "namespace": Field("namespace", as_text),
        "flowId": Field("id", as_text),
        "id": Field("id", as_text),
        "labels": Field("", _labels("flow_labels")),
        "scope": Field("namespace", in_scope),
    },
    flat={
        "q": ("q", "EQUALS"),
        "namespace": ("namespace", "PREFIX"),
        "flowId": ("flowId", "EQUALS"),
        "labels": ("labels", "EQUALS"),
        "scope": ("scope", "IN"),
    },
    sorts={"id": "id", "namespace": "namespace", "revision": "revision", "updated": "updated_ms"},
    tie=("namespace", "id"),
)

NAMESPACES = Resource(fields={}, flat={}, sorts={"id": "id"}, tie=())

KEYS = Resource(
    fields={
        "q": Field("", any_text("key")),
        "query": Field("", any_text("key")),
        "namespace": Field("namespace", as_text),
        "key": Field("key", as_text),
        "updated": Field("updated_ms", as_time),
        "expirationDate": Field("expires_ms", as_time),
    },
    flat={
        "q": ("q", "EQUALS"),
        "namespace": ("namespace", "PREFIX"),
    },
    sorts={
        "key": "key",
        "namespace": "namespace",
        "version": "version",
        "description": "description",
        "creationDate": "created_ms",
        "updateDate": "updated_ms",
        "expirationDate": "expires_ms",
    },
    tie=("key", "namespace"),
)

_SEGMENT = re.compile(r"\[([^\[\]]*)\]")


def conditions(resource: Resource, query: Pairs, now_ms: int) -> Where:
    """Return the condition that all parameters of a query make together.

    Raises:
        BadFilter: If a field, an operation or a value can't be used.
    """
    found: list[Where] = []
    groups: dict[tuple[str, ...], list[Where]] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in query:
        if name.startswith("filters["):
            path, where = _filter(resource, name, value, now_ms)
            (groups.setdefault(path, []) if path else found).append(where)
        elif name in resource.flat and value != "":
            repeated.setdefault(name, []).append(value)
    for name, values in repeated.items():
        field, operation = resource.flat[name]
        joined = [",".join(values)] if operation == "IN" else values
        found.extend(_condition(resource, name, field, operation, "", value, now_ms) for value in joined)
    if len(found) + sum(map(len, groups.values())) > CONDITIONS_MAX:
        raise BadFilter("filters", f"Expected at most {CONDITIONS_MAX} conditions")
    found.extend(_grouped(groups))
    return conjunction(found)


def mentions(query: Pairs, field: str) -> bool:
    """True if a query has a condition on this field."""
    return any(name == field or f"[{field}]" in name for name, _ in query)


def conjunction(parts: Iterable[Where]) -> Where:
    """Return the condition that holds if all parts do."""
    kept = [part for part in parts if part is not ALL]
    if not kept:
        return ALL
    return Where(" AND ".join(f"({p.sql})" for p in kept), tuple(value for p in kept for value in p.params))


def _filter(resource: Resource, name: str, value: str, now_ms: int) -> tuple[tuple[str, ...], Where]:
    """Return the group that a `filters[…]` parameter belongs to (empty: none) and its condition."""
    segments = _SEGMENT.findall(name)
    group: list[str] = []
    while len(segments) >= 2 and segments[0] in ("or", "and") and segments[1].isdecimal():
        group += segments[:2]
        segments = segments[2:]
    if len(group) > 2 * GROUP_DEPTH_MAX:
        raise BadFilter(name, f"Expected groups at most {GROUP_DEPTH_MAX} deep, but {name} goes deeper")
    if len(segments) < 2:
        raise BadFilter(name, f"Expected filters[field][OPERATION]=value, but got {name}")
    field, operation, *keys = segments
    return tuple(group), _condition(resource, name, field, operation.upper(), ".".join(keys), value, now_ms)


def _condition(resource: Resource, name: str, field: str, operation: str, key: str, value: str, now_ms: int) -> Where:
    found = resource.fields.get(field)
    if found is None:
        raise BadFilter(name, f"Expected one of the fields {', '.join(sorted(resource.fields))}, but got {field!r}")
    try:
        return found.build(found.column, operation, key, value, now_ms)
    except BadFilter as error:
        raise BadFilter(name, f"{field}: {error}") from None
    except ValueError as error:
        raise BadFilter(name, f"{field}: {error}") from None


def _grouped(groups: Mapping[tuple[str, ...], list[Where]]) -> list[Where]:
    """Join groups: members of `[or][n]` by OR, of `[and][n]` by AND, inner groups first."""
    tree: dict[str, Any] = {}
    for path, wheres in groups.items():
        at = tree
        for step in path:
            at = at.setdefault(step, {})
        at.setdefault("", []).extend(wheres)
    return _join(tree)


def _join(tree: Mapping[str, Any]) -> list[Where]:
    found: list[Where] = list(tree.get("", []))
    for word, glue in (("or", " OR "), ("and", " AND ")):
        members = [conjunction(_join(member)) for member in tree.get(word, {}).values()]
        if members:
            sql = glue.join(f"({m.sql})" for m in members)
            found.append(Where(sql, tuple(value for m in members for value in m.params)))
    return found


def paging(resource: Resource, query: Pairs, default_sort: str) -> Page:
    """Return page, size and order of a query.

    Args:
        resource: What is searched.
        query: The parameters.
        default_sort: `field:asc|desc`, used if the query has none.

    Raises:
        BadFilter: If page or size are out of range (1 to 1000), or a sort isn't `field:asc|desc` of a known field.
    """
    numbers = {"page": 1, "size": 10}
    for name, value in query:
        if name in numbers:
            most = SIZE_MAX if name == "size" else 10**9
            if not re.fullmatch(r"\d{1,10}", value) or not 1 <= int(value) <= most:
                raise BadFilter(name, f"Expected '{name}' from 1 to {most}, but got {value!r}")
            numbers[name] = int(value)
    sorts = [value for name, value in query if name == "sort" and value] or [default_sort]
    order = [_sort(resource, part) for value in sorts for part in value.split(",")]
    direction = "ASC" if order[0].endswith("ASC") else "DESC"
    return Page(
        numbers["page"], numbers["size"], ", ".join([*order, *(f"{column} {direction}" for column in resource.tie)])
    )


def _sort(resource: Resource, written: str) -> str:
    field, _, direction = written.partition(":")
    column = resource.sorts.get(field)
    if column is None or direction.lower() not in ("asc", "desc"):
        known = ", ".join(resource.sorts)
        raise BadFilter("sort", f"Expected field:asc or field:desc with one of {known}, but got {written!r}")
    return f"{column} {direction.upper()}"
