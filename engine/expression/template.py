"""Templates as the rest of the engine uses them: compile once, ask what it reads, render many times.

Owns the cache and the two ways to render. Python code is made at the first render, not when a flow is saved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from engine.expression import tree
from engine.expression.bridge import Bridge
from engine.expression.budget import DEFAULT_BUDGET, Budget
from engine.expression.errors import Failure, excerpt, syntax_error
from engine.expression.generator import Code, generate
from engine.expression.parser import parse
from engine.expression.plain import plain_value
from engine.expression.reads import Reads, reads_of
from engine.expression.scope import Scope
from engine.expression.state import Run
from engine.values import Dialect

CACHED_TEMPLATES = 4096
"""How many compiled templates are kept; a thousand flows' worth."""


class Template:
    """A parsed template.

    Args:
        source: What was written.
        dialect: Which generation of the language it is in.
    """

    def __init__(self, source: str, dialect: Dialect) -> None:
        self.source = source
        self.dialect = dialect
        self._body, self.nodes = parse(source, dialect) if "{" in source else ((), 0)
        texts = [each.text for each in self._body if isinstance(each, (tree.Text, tree.Raw))]
        self.is_constant = len(texts) == len(self._body)
        """True if it holds no tags, so that it renders to the same text always."""
        self._constant = "".join(texts) if self._body else source

    @cached_property
    def reads(self) -> Reads:
        """What it may look up when it is rendered."""
        return reads_of(self._body)

    @property
    def faults(self) -> tuple[tuple[int, str], ...]:
        """Offsets and reasons of the calls in it that can only fail, such as those of words that don't exist."""
        bridge = Bridge(self._body, self.dialect)
        bridge.template()
        return tuple(bridge.faults)

    @cached_property
    def _code(self) -> Code:
        try:
            return generate(Bridge(self._body, self.dialect).template())
        except (RecursionError, SyntaxError, MemoryError, OverflowError) as error:
            raise syntax_error(f"Too large or too deeply nested ({type(error).__name__})", self.source, 0) from None

    @property
    def root(self) -> Callable[[Any], Iterator[Any]]:
        """The generated function that yields the pieces of the text."""
        return self._code.root

    @property
    def blocks(self) -> Mapping[str, Callable[[Any], Iterator[Any]]]:
        """The generated functions of macros, blocks and filter bodies."""
        return self._code.blocks

    def render(self, scope: Scope, budget: Budget = DEFAULT_BUDGET) -> str:
        """Return the text.

        Raises:
            RenderError: If something is missing or wrong; `BudgetError` if it takes too much.
            NeedsWorld: If a function is reached that `scope.world` doesn't offer.
        """
        if self.is_constant:
            return self._constant
        run = Run(self, scope, budget, compile_template)
        try:
            return run.drain(self._code.root(run))
        except (Failure, RecursionError) as failure:
            raise run.error(0, _why(failure)) from None

    def evaluate(self, scope: Scope, budget: Budget = DEFAULT_BUDGET) -> Any:
        """Return the value if the template is exactly one `{{ … }}`, else the text.

        Numbers come as plain `int` and `float`, maps and lists as `dict` and `list`.

        Raises:
            RenderError: As `render` does.
            NeedsWorld: As `render` does.
        """
        if len(self._body) != 1 or not isinstance(self._body[0], tree.Print):
            return self.render(scope, budget)
        run = Run(self, scope, budget, compile_template)
        try:
            return plain_value(run, next(self._code.root(run)))
        except (Failure, RecursionError) as failure:
            raise run.error(0, _why(failure)) from None

    def __repr__(self) -> str:
        return f"Template({excerpt(self.source)!r})"


def _why(failure: Exception) -> str:
    return str(failure) if isinstance(failure, Failure) else "Nested too deeply"


@lru_cache(maxsize=CACHED_TEMPLATES)
def compile_template(source: str, dialect: Dialect = Dialect.V1) -> Template:
    """Return the template, from the cache if it was compiled before; safe to call from several threads.

    Raises:
        TemplateSyntaxError: If it isn't the language, with line and column.
    """
    return Template(source, dialect)
