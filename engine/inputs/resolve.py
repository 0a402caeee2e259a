"""Resolves the inputs of a flow: what was given, defaults, dependencies; all errors at once.

Owns the order of things: dependencies first, then the value or the default, then its type (`values.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from engine.expression.scope import Scope
from engine.flow.inputs import flattened
from engine.flow.model import Input
from engine.inputs.values import options, parse_value
from engine.seals import is_sealed
from engine.values import Dialect, nested

TYPED = frozenset({"JSON", "YAML", "ARRAY", "MULTISELECT", "INT", "FLOAT", "BOOL"})
"""Types whose default may be what an expression gives, not only its text."""

Seal = Callable[[str], Any]
"""Encrypts the value of a SECRET input; what it returns is stored in the place of the value."""

World = Mapping[str, Callable[..., Any]]

NOT_SEALED = "Expected an encrypted value: a SECRET input of the calling flow, as `{{ inputs.name }}` and nothing else"
NO_SEAL = "Expected a server with an encryption key, because SECRET inputs are kept encrypted, but none is set"


class Resolved(msgspec.Struct, frozen=True):
    """What became of one input."""

    input: Input
    value: Any = None
    enabled: bool = True
    is_default: bool = False
    errors: tuple[str, ...] = ()


class Resolution(msgspec.Struct, frozen=True):
    """What became of all inputs of a flow."""

    inputs: tuple[Resolved, ...]
    unknown: tuple[str, ...] = ()
    """Names that were given and that no input has; a warning, not an error."""
    asks: bool = False
    """An expression called a function of the world that wasn't offered; its input has an error."""

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Each error with the id of its input."""
        return [(each.input.id, error) for each in self.inputs if each.enabled for error in each.errors]

    @property
    def values(self) -> dict[str, Any]:
        """The values as expressions read them: dotted ids are maps within maps; disabled inputs are left out."""
        return nested({each.input.id: each.value for each in self.inputs if each.enabled and not each.errors})


def resolve_inputs(
    inputs: Sequence[Input],
    given: Mapping[str, Any],
    variables: Mapping[str, Any],
    now_ms: int,
    seal: Seal | None = None,
    dialect: Dialect = Dialect.V1,
    world: World = MappingProxyType({}),
    sealed: bool = False,
) -> Resolution:
    """Give every input its value.

    Args:
        inputs: As the flow declares them.
        given: What the caller sent, by id; ids with dots may also be maps within maps. Files are URIs already.
        variables: What expressions in defaults and conditions read besides `inputs`: flow, vars, kestra, envs …
        now_ms: The time, for expressions.
        seal: Encrypts SECRET inputs; None refuses them.
        dialect: Of the expressions.
        world: Functions that reach outside and can be asked before there is an execution, by name.
        sealed: The caller is the engine, whose SECRET values are encrypted already; others are refused.

    Returns:
        One result for each input, in their order; it never raises for what was given.
    """
    scope = Scope(variables=variables, now_ms=now_ms, dialect=dialect, world=world)
    resolver = _Resolver(flattened(inputs), given, scope, seal, sealed)
    resolved = tuple(resolver.resolve(each) for each in resolver.inputs)
    return Resolution(resolved, tuple(sorted(resolver.unknown())), resolver.asks)


class _Resolver:
    def __init__(
        self, inputs: list[Input], given: Mapping[str, Any], scope: Scope, seal: Seal | None, sealed: bool
    ) -> None:
        self.inputs = inputs
        self.asks = False
        self._by_id = {each.id: each for each in inputs}
        self._given = given
        self._scope = scope
        self._seal = seal
        self._sealed = sealed
        self._done: dict[str, Resolved] = {}
        self._open: set[str] = set()

    def unknown(self) -> set[str]:
        known = set(self._by_id)
        roots = {id.partition(".")[0] for id in known}
        return {name for name in self._given if name not in known and name not in roots}

    def resolve(self, declared: Input) -> Resolved:
        found = self._done.get(declared.id)
        if found is not None:
            return found
        if declared.id in self._open:
            return Resolved(declared, errors=("its dependsOn leads back to itself",))
        self._open.add(declared.id)
        found = self._done[declared.id] = self._resolve(declared)
        self._open.discard(declared.id)
        return found

    def _resolve(self, declared: Input) -> Resolved:
        scope: dict[str, Any] = {}
        for id in declared.depends_on:
            other = self._by_id.get(id)
            if other is None:
                return Resolved(declared, errors=(f"depends on the input {id}, which doesn't exist",))
            dependency = self.resolve(other)
            if not dependency.enabled:
                return Resolved(declared, enabled=False)
            if dependency.errors:
                return Resolved(declared, errors=(f"depends on {id}: {dependency.errors[0]}",))
            scope[id] = dependency.value
        try:
            if declared.condition and self._rendered(declared.condition, scope) not in (True, "true"):
                return Resolved(declared, enabled=False)
            properties = self._properties(declared, scope)
            value, is_default = self._value(declared, properties, scope)
            if value is None:
                if declared.required and not is_default:
                    return Resolved(declared, errors=("missing required input",))
                return Resolved(declared)
            if self._sealed and is_sealed(value):
                if declared.type != "SECRET":
                    raise ValueError("Expected a value that isn't secret: only a SECRET input takes one that is")
                return Resolved(declared, value)
            parsed = parse_value(declared.type, properties, value)
            if declared.type == "SECRET":
                if self._seal is None:
                    raise ValueError(NOT_SEALED if self._sealed else NO_SEAL)
                parsed = self._seal(parsed)
            return Resolved(declared, parsed, is_default=is_default)
        except ValueError as error:
            return Resolved(declared, errors=(str(error),))

    def _properties(self, declared: Input, scope: Mapping[str, Any]) -> Mapping[str, Any]:
        expression = declared.properties.get("expression")
        if not expression:
            return declared.properties
        values = self._rendered(expression, scope)
        if isinstance(values, str):
            values = parse_value("ARRAY", {}, values)
        if not isinstance(values, list | tuple):
            raise ValueError(f"Expected its expression to give a list, but it gives {values!r}")
        return {**declared.properties, "values": list(values)}

    def _value(self, declared: Input, properties: Mapping[str, Any], scope: Mapping[str, Any]) -> tuple[Any, bool]:
        given = self._lookup(declared.id)
        if given == "" and declared.type not in ("STRING", "SECRET", "EMAIL"):
            given = None
        if given is not None:
            return given, False
        if declared.has_defaults:
            return self._rendered(declared.defaults, scope, typed=declared.type in TYPED), True
        if properties.get("autoSelectFirst"):
            first = options(properties)[:1]
            if first:
                return (first[0] if declared.type == "SELECT" else first), True
        return None, False

    def _lookup(self, id: str) -> Any:
        if id in self._given:
            return self._given[id]
        at: Any = self._given
        for part in id.split("."):
            if not isinstance(at, Mapping) or part not in at:
                return None
            at = at[part]
        return at

    def _rendered(self, value: Any, scope: Mapping[str, Any], *, typed: bool = True) -> Any:
        """Return a value with its templates evaluated; `typed` keeps what a lone expression gives, not its text.

        Raises:
            ValueError: If that fails, or needs what only a running task can reach.
        """
        if not _has_template(value):
            return value
        from engine import expression

        reader = replace(self._scope, variables={**self._scope.variables, "inputs": nested(scope)})
        try:
            if isinstance(value, str) and typed:
                return expression.compile_template(value, reader.dialect).evaluate(reader)
            return expression.render_value(value, reader)
        except expression.NeedsWorld as error:
            self.asks = True
            raise ValueError(f"{error}: that can't be asked before an execution exists") from None
        except (expression.RenderError, expression.TemplateSyntaxError) as error:
            raise ValueError(str(error)) from None


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    if isinstance(value, Mapping):
        return any(map(_has_template, value.keys())) or any(map(_has_template, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_template, value))
