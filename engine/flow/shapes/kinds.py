"""Kinds of properties: what may be written, what it becomes, and how a JSON schema says so.

Owns what a kind is: one object that pydantic asks for both the validator and the schema, so that the two can't part.
The kinds themselves are in `fixed_kinds` (read when the flow is) and `table_kinds` (an expression may stand for them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, LiteralString

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from engine.flow.problems import Hint, kind_of

Schema = dict[str, Any]
Read = Callable[[Any], Any]
"""Returns what a value becomes; raises `refused` if it is none of the kind."""

TEMPLATE: Schema = {"type": "string", "pattern": r"\{\{|\{%"}
JSON_LIST: Schema = {"type": "string", "pattern": r"^\s*\["}
DEFINITIONS: dict[str, Schema] = {}
"""Schemas of the kinds that have a name, which others refer to."""


def reference(name: str) -> Schema:
    """Return the schema that refers to a definition of the flow's schema."""
    return {"$ref": f"#/$defs/{name}"}


def refused(
    expected: str, value: object, hint: Hint = "", rule: LiteralString = "type-mismatch"
) -> PydanticCustomError:
    """Return the complaint about a value that isn't what was expected."""
    return complaint(rule, f"Expected {expected}, but found {kind_of(value)}", hint)


def complaint(rule: LiteralString, said: str, hint: Hint = "") -> PydanticCustomError:
    """Return an error that `reading` makes a problem of."""
    return PydanticCustomError(rule, "{said}", {"said": said, "hint": hint})


def is_template(value: object) -> bool:
    """Return whether a value is a text that holds an expression."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def is_list(value: object) -> bool:
    """Return whether a value is a list, or a text that may hold one as JSON."""
    return isinstance(value, list) or (isinstance(value, str) and value.strip().startswith("["))


class Kind:
    """One kind of property.

    Args:
        read: Returns what a value becomes; None, an unset value, is let through.
        schema: What may stand there, nothing included.
        name: If the kind is common: its name among the definitions of the flow's schema.
        words: The closed set of words that it takes, if it is one.
    """

    def __init__(self, read: Read, schema: Schema, name: str = "", words: tuple[str, ...] = ()) -> None:
        self.words = words
        self.schema = schema
        if name:
            DEFINITIONS[name] = schema
            self.schema = reference(name)
        self._core: CoreSchema = core_schema.no_info_plain_validator_function(read, metadata={"kind": self})

    def core_schema(self) -> CoreSchema:
        """Return what pydantic validates with; its metadata lead back to this kind."""
        return self._core

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        """Stand in an `Annotated` type."""
        return self.core_schema()

    def needed(self, empty: bool = True) -> Kind:
        """Return this kind where it must be set.

        Args:
            empty: Whether an empty list or map will do.
        """
        return _Needed(self, empty)


def _set(schema: Schema, empty: bool) -> Schema:
    """The schema of what may stand there if something must."""
    if empty and schema.keys() == {"enum"}:
        return {"enum": [word for word in schema["enum"] if word is not None]}
    return {**schema, "not": {"enum": [None] if empty else [None, "", [], {}]}}


class _Needed(Kind):
    def __init__(self, kind: Kind, empty: bool) -> None:
        super().__init__(as_written, _set(kind.schema, empty))
        self.words = kind.words

        def check(value: Any) -> Any:
            if value is None or (not empty and value in ("", [], {})):
                raise complaint("required", "")
            return value

        self._core = core_schema.no_info_before_validator_function(check, kind.core_schema(), metadata={"kind": self})


class Listed(Kind):
    """A list whose items are of a kind themselves, so that each wrong one is named."""

    def __init__(self, of: str, item: Kind, dynamic: bool) -> None:
        items: Schema = {"type": ["array", "null"], "items": item.schema}
        super().__init__(as_written, {"anyOf": [items, TEMPLATE, JSON_LIST]} if dynamic else items)

        def check(value: Any) -> Any:
            if not isinstance(value, list) and not (dynamic and (is_list(value) or is_template(value))):
                raise refused(of, value)
            return value if isinstance(value, list) else []

        listed = core_schema.list_schema(item.core_schema())
        checked = core_schema.no_info_before_validator_function(check, listed)
        self._core = core_schema.nullable_schema(checked, metadata={"kind": self})


def as_written(value: Any) -> Any:
    """Take any value."""
    return value


def shown(schema: Schema, name: str = "") -> Kind:
    """Return a kind that checks nothing, because somebody else does: only its schema counts."""
    return Kind(as_written, schema, name)
