"""Jinja2's code generator with the doors closed: a node tree of our calls to Python functions.

Two deviations from stock Jinja2: a call is emitted as a plain call (stock Jinja2 goes through `context.call`, which
inspects what it calls), and operands that may not be evaluated (`??`, `and`, `is defined` …) are emitted as functions.
`bridge.py` makes the tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, nodes
from jinja2 import Template as JinjaTemplate
from jinja2.compiler import CodeGenerator, Frame

from engine.expression.numbers import Long
from engine.expression.operations import LAZY
from engine.expression.statements import default_argument

Piece = Callable[[Any], Iterator[Any]]


def import_name(function: Callable[..., Any]) -> str:
    """Return the name by which generated code imports a function."""
    return f"{function.__module__}.{function.__name__}"


_LAZY = frozenset(map(import_name, [*LAZY, default_argument]))


class _Generator(CodeGenerator):
    """Jinja2's code generator, told how our calls and constants look in Python."""

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """Write a plain call with the run as first argument."""
        target = node.node
        assert isinstance(target, nodes.ImportedName)
        lazy = target.importname in _LAZY
        self.visit(target, frame)
        self.write("(context")
        for index, argument in enumerate(node.args):
            self.write(", lambda: " if lazy and index else ", ")
            self.visit(argument, frame)
        self.write(")")

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        """Write a constant so that its kind survives."""
        if type(node.value) is Long:
            self.write(f"environment.long({int(node.value)})")
        elif isinstance(node.value, float):
            self.write(f"float({str(node.value)!r})")
        else:
            assert node.value is None or type(node.value) in (str, int, bool, tuple)
            self.write(repr(node.value))

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        """Fold nothing but text: constants are printed by the run, not by Python."""
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return node.data

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """Leave values as they are: the run turns them into text."""

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        """Close nothing, since nothing was opened."""

    def visit_Block(self, node: nodes.Block, frame: Frame) -> None:
        """Write nothing where a piece is defined; what prints it is a call."""


class _Environment(Environment):
    """Jinja2's environment without anything a template could reach."""

    code_generator_class = _Generator
    long = Long


def _environment() -> Environment:
    environment = _Environment(autoescape=False, optimized=False, cache_size=0)
    for registry in (environment.globals, environment.filters, environment.tests):
        registry.clear()
    return environment


_ENVIRONMENT = _environment()


@dataclass(frozen=True, slots=True)
class Code:
    """A template as Python: the root piece and the named ones."""

    root: Piece
    blocks: Mapping[str, Piece]


def generate(tree: nodes.Template) -> Code:
    """Return a node tree as code."""
    tree.set_environment(_ENVIRONMENT)
    compiled = _ENVIRONMENT.compile(tree, filename="<expression>")
    made = JinjaTemplate.from_code(_ENVIRONMENT, compiled, {})
    return Code(made.root_render_func, made.blocks)


def python_source(tree: nodes.Template) -> str:
    """Return the Python source of a node tree's code, for people who want to see it."""
    tree.set_environment(_ENVIRONMENT)
    return _ENVIRONMENT.compile(tree, raw=True)
