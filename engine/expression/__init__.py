"""The expression language: `{{ … }}` and `{% … %}` in flows, compatible with Kestra's dialect of Pebble.

Owns everything from a template's text to its value: lexer, parser, the bridge to Jinja2's compiler, operators, filters,
functions, static analysis, budgets. Pure: the time and chance come in with the `Scope`, functions that reach the world
are offered by whoever renders. Doesn't own which variables there are.

    >>> template = compile_template("Hello {{ name ?? 'you' }}")
    >>> template.render(Scope({"name": "Ada"}, now_ms=0))
    'Hello Ada'
"""

from __future__ import annotations

from engine.expression.blame import with_property
from engine.expression.budget import DEFAULT_BUDGET, Budget
from engine.expression.errors import BudgetError, MissingError, NeedsWorld, RenderError, TemplateSyntaxError
from engine.expression.functions.world import WORLD
from engine.expression.reads import Dynamic, Reads
from engine.expression.scope import Scope
from engine.expression.template import Template, compile_template
from engine.expression.truth import (
    condition_is_truthy,
    operand_is_true,
    text_is_truthy,
    truthiness,
    value_is_true,
)
from engine.expression.values import render_value
from engine.expression.vocabulary import vocabulary
from engine.values import Dialect

WORLD_FUNCTIONS = frozenset(WORLD)
"""Names of the functions that only a worker can evaluate."""

__all__ = [
    "DEFAULT_BUDGET",
    "WORLD_FUNCTIONS",
    "Budget",
    "BudgetError",
    "Dialect",
    "Dynamic",
    "MissingError",
    "NeedsWorld",
    "Reads",
    "RenderError",
    "Scope",
    "Template",
    "TemplateSyntaxError",
    "compile_template",
    "condition_is_truthy",
    "operand_is_true",
    "render_value",
    "text_is_truthy",
    "truthiness",
    "value_is_true",
    "vocabulary",
    "with_property",
]
