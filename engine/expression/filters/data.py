"""Filters between values and data formats: JSON, ION, YAML, jq."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.expression.data.ion_writing import write_ion
from engine.expression.data.json_reading import read_json
from engine.expression.data.yaml_writing import write_yaml
from engine.expression.filters.texts import text_of
from engine.expression.jq import run_jq
from engine.expression.printing import to_json
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FILTERS = Registry()


@FILTERS.add("toJson")
def _to_json(run: Run, value: Any) -> str:
    return to_json(run, value)


@FILTERS.add("json")
def _json(run: Run, value: Any) -> str:
    return to_json(run, value)


@FILTERS.add("toIon")
def _to_ion(run: Run, value: Any) -> str:
    return write_ion(run, value)


@FILTERS.add("yaml")
def _yaml(run: Run, value: Any) -> str:
    return "null" if value is None else write_yaml(run, value)


@FILTERS.add("jq", "expression", required=1)
def _jq(run: Run, value: Any, expression: Any) -> Any:
    if value is None:
        return None
    source = read_json(run, value) if isinstance(value, str) else value
    return run_jq(run, text_of(expression), source)
