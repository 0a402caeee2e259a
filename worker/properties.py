"""How a task's properties become typed: pydantic models over rendered values.

Owns the base model. Templates are rendered before; a list or map that was written as one template has become JSON text,
which is read here.
"""

from __future__ import annotations

from typing import Annotated, Any, get_args, get_origin

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel


def _text_of(value: Any) -> Any:
    """Return a value as YAML would have written it."""
    return value if value is None or isinstance(value, str) else msgspec.json.encode(value).decode()


Text = Annotated[str, BeforeValidator(_text_of)]
"""A text that may be written as a number, a boolean or data: `- true` among commands is the program `true`."""


class Properties(BaseModel):
    """Base of the models of all plugins. Names are camel case outside; what a model doesn't name is ignored.

    An unknown property was refused or warned of when the flow was saved.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _read_json_and_leave_out_nothing(cls, values: Any) -> Any:
        """Read lists and maps that come as text; null means that a property isn't set."""
        if not isinstance(values, dict):
            return values
        shapes = _shapes(cls)
        read = {}
        for name, value in values.items():
            if value is None:
                continue
            shape = shapes.get(name)
            if isinstance(value, str) and shape is not None:
                try:
                    parsed = msgspec.json.decode(value)
                except msgspec.DecodeError:
                    parsed = None
                value = parsed if isinstance(parsed, shape) else value
            read[name] = value
        return read


_known: dict[type[Properties], dict[str, type]] = {}


def _shapes(model: type[Properties]) -> dict[str, type]:
    """Return which properties are lists or maps, by their outside names."""
    found = _known.get(model)
    if found is None:
        found = {}
        for name, field in model.model_fields.items():
            for each in (field.annotation, *get_args(field.annotation)):
                origin = get_origin(each) or each
                if origin in (list, dict):
                    found[field.alias or name] = origin
        _known[model] = found
    return found


def describe(error: ValidationError) -> str:
    """Return what a user reads about properties that don't fit."""
    return "; ".join(
        f"{'.'.join(map(str, each['loc'])) or 'properties'}: {each['msg']}"
        for each in error.errors(include_url=False, include_input=False)
    )
