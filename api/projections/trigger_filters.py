"""What searches for triggers may ask for. The grammar of searches is `filters.py`'s."""

from __future__ import annotations

from api.projections.filters import BadFilter, Field, Resource, Where, any_text, as_text, as_time, in_scope


def _switch(column: str, operation: str, _key: str, value: str, _now: int) -> Where:
    wanted = value.upper()
    if wanted not in ("ENABLED", "DISABLED"):
        raise BadFilter("triggerState", f"Expected ENABLED or DISABLED, but got {value!r}")
    return Where(f"{column} = ?", (int((wanted == "DISABLED") is (operation != "NOT_EQUALS")),))


def _locked(column: str, operation: str, _key: str, value: str, _now: int) -> Where:
    wanted = (value.lower() == "true") is (operation != "NOT_EQUALS")
    return Where(f"{column} {'<>' if wanted else '='} ''")


TRIGGERS = Resource(
    fields={
        "q": Field("", any_text("namespace", "flow_id", "trigger_id")),
        "query": Field("", any_text("namespace", "flow_id", "trigger_id")),
        "namespace": Field("namespace", as_text),
        "flowId": Field("flow_id", as_text),
        "triggerId": Field("trigger_id", as_text),
        "scope": Field("namespace", in_scope),
        "triggerState": Field("disabled", _switch),
        "locked": Field("execution_id", _locked),
        "nextExecutionDate": Field("next_ms", as_time),
        "lastTriggeredDate": Field("last_ms", as_time),
    },
    flat={
        "q": ("q", "EQUALS"),
        "namespace": ("namespace", "PREFIX"),
        "flowId": ("flowId", "EQUALS"),
        "triggerId": ("triggerId", "EQUALS"),
        "scope": ("scope", "IN"),
    },
    sorts={
        "namespace": "namespace",
        "flowId": "flow_id",
        "triggerId": "trigger_id",
        "executionId": "execution_id",
        "nextExecutionDate": "next_ms",
        "nextEvaluationDate": "next_ms",
        "date": "last_ms",
        "lastTriggeredDate": "last_ms",
        "updatedDate": "updated_ms",
        "updatedAt": "updated_ms",
    },
    tie=("namespace", "flow_id", "trigger_id"),
)
