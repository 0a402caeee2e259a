"""Hypothesis strategies for values of shapes, and their form for fastavro."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from topics.serde import shapes

LONGS = st.integers(-(2**63), 2**63 - 1) | st.integers(-70, 70) | st.integers(8000, 20000) | st.just(1_764_000_000_000)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def values(shape: shapes.Shape) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a shape."""
    match shape:
        case shapes.Scalar("long"):
            return LONGS
        case shapes.Scalar("double"):
            return st.floats(allow_nan=False)
        case shapes.Scalar("boolean"):
            return st.booleans()
        case shapes.Scalar("bytes"):
            return st.binary(max_size=80)
        case shapes.Scalar():
            return TEXTS
        case shapes.Symbol(cls):
            return st.sampled_from(sorted(cls))
        case shapes.Optional(of):
            return st.none() | values(of)
        case shapes.Array(of):
            return st.lists(values(of), max_size=3).map(tuple)
        case shapes.Map(of):
            return st.dictionaries(TEXTS, values(of), max_size=3)
        case shapes.Union(of):
            return st.one_of(*map(values, of))
        case shapes.Record(_, cls, fields):
            return st.fixed_dictionaries({field.name: values(field.shape) for field in fields}).map(lambda d: cls(**d))
    raise AssertionError(shape)


def datum(shape: shapes.Shape, value: Any) -> Any:
    """Return a value as fastavro's writer wants it."""
    match shape:
        case shapes.Optional(of):
            return None if value is None else datum(of, value)
        case shapes.Array(of):
            return [datum(of, each) for each in value]
        case shapes.Map(of):
            return {key: datum(of, each) for key, each in value.items()}
        case shapes.Union(of):
            record = next(each for each in of if each.cls is type(value))
            return (f"penstock.{record.name}", datum(record, value))
        case shapes.Record(_, _, fields):
            return {field.name: datum(field.shape, getattr(value, field.name)) for field in fields}
    return str(value) if isinstance(value, str) else value
