"""The state of one render: scopes, the budget that is left, where in which template it stands.

Generated code gets a `Run` as its first argument and hands it to every operation. Owns scoping rules and counting;
owns no operation. One `Run` serves one render on one thread and is thrown away.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NoReturn, Protocol

from engine.expression.budget import Budget
from engine.expression.errors import BudgetError, MissingError, RenderError, excerpt, locate
from engine.expression.printing import to_text
from engine.expression.scope import Scope
from engine.values import Dialect

MAX_PASSES = 100
"""How often `render()` looks at its own result again before it gives up."""


COMPILE_COST = 80
"""Steps for each expression node of a template found in a value, whether it was compiled before or not."""


class Compiled(Protocol):
    """A template as generated code: what `template.py` makes."""

    source: str
    dialect: Dialect
    nodes: int

    @property
    def root(self) -> Callable[[Any], Iterator[Any]]:
        """The function that yields the pieces of the text."""

    @property
    def blocks(self) -> Mapping[str, Callable[[Any], Iterator[Any]]]:
        """The functions of macros, blocks and filter bodies."""


class Run:
    """One render.

    Args:
        template: What is rendered.
        scope: What it can see.
        budget: What it may take.
        compiler: Turns a template found in a value into code, for `render()`.
    """

    __slots__ = (
        "_counter",
        "budget",
        "compiler",
        "depth",
        "frames",
        "kept",
        "loop_was_empty",
        "scope",
        "steps",
        "template",
        "variables",
    )

    resolve_or_missing = None
    """Generated code binds it before anything else; names are looked up by operations, never through it."""

    def __init__(
        self, template: Compiled, scope: Scope, budget: Budget, compiler: Callable[[str, Dialect], Compiled]
    ) -> None:
        self.template = template
        self.scope = scope
        self.budget = budget
        self.compiler = compiler
        self.variables: Mapping[str, Any] = scope.variables
        self.frames: list[dict[str, Any]] = []
        self.steps = budget.steps
        self.depth = 0
        self.loop_was_empty = False
        self._counter = 0
        self.kept: list[str] | None = None

    # -- errors

    def error(self, position: int, message: str) -> RenderError:
        """Return an error with the place in the current template."""
        source = self.template.source
        line, column = locate(source, position)
        text = f"{message} in the expression '{excerpt(source)}' at line {line}, column {column}"
        return RenderError(text, source, line, column)

    def missing(self, position: int, name: str, known: Iterable[Any], where: str = "") -> MissingError:
        """Return the error for a name that isn't there; `known` is read only if somebody wants the message."""
        return MissingError(name, known, where, self.template.source, position)

    def over(self, what: str) -> NoReturn:
        """Raise because a bound is reached."""
        source = self.template.source
        raise BudgetError(f"The expression '{excerpt(source)}' {what}", source)

    # -- counting

    def charge(self, steps: int) -> None:
        """Take steps from the budget."""
        self.steps -= steps
        if self.steps < 0:
            self.over(f"takes more than {self.budget.steps} steps")

    def grow(self, characters: int) -> None:
        """Ask before a text of this many characters is built."""
        if characters > self.budget.output_bytes:
            self.over(f"builds a text of more than {self.budget.output_bytes} bytes")
        self.charge(characters >> 8)

    def fill(self, elements: int) -> None:
        """Ask before a collection of this many elements is built."""
        self.charge(1 + (elements >> 2))

    def enter(self) -> None:
        """Go one level deeper: a macro, a block, a nested render."""
        self.depth += 1
        if self.depth > self.budget.depth:
            self.over(f"nests deeper than {self.budget.depth} calls")

    def leave(self) -> None:
        """Come back from a level."""
        self.depth -= 1

    # -- text

    def drain(self, pieces: Iterator[Any]) -> str:
        """Return the text of everything that generated code yields."""
        out: list[str] = []
        room = self.budget.output_bytes
        for piece in pieces:
            text = piece if type(piece) is str else to_text(self, piece)
            room -= len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
            if room < 0:
                self.over(f"renders more than {self.budget.output_bytes} bytes")
            out.append(text)
        text = "".join(out)
        self.charge(len(text) >> 8)
        return text

    def nested(self, source: str) -> str:
        """Return a template found in a value, rendered once within this run."""
        if "{" not in source:
            return source
        self.charge(COMPILE_COST + len(source) // 32)
        self.enter()
        template = self.compiler(source, self.template.dialect)
        self.charge(template.nodes * COMPILE_COST)
        outer, self.template = self.template, template
        text = self.drain(self.template.root(self))
        self.template = outer
        self.leave()
        return text

    def settled(self, source: str) -> str:
        """Return a template rendered again and again until nothing changes, `raw` content left alone."""
        outer, self.kept = self.kept, []
        text = source
        for _ in range(MAX_PASSES + 1):
            before, text = text, self.nested(text)
            if text == before:
                break
        else:
            self.over("changes with every pass: Too many rendering attempts")
        kept, self.kept = self.kept, outer
        for index, raw in enumerate(kept or ()):
            self.grow(len(text) + len(raw))
            text = text.replace(_mark(index), raw)
        return text

    def raw(self, text: str) -> str:
        """Return what stands for the content of a `raw` tag while passes may follow."""
        if self.kept is None:
            return text
        self.kept.append(text)
        return _mark(len(self.kept) - 1)

    # -- chance

    def chance(self, what: str) -> int:
        """Return 256 bits that depend on the scope's entropy, the time and how often was asked."""
        self._counter += 1
        entropy = self.scope.entropy
        seed = entropy if isinstance(entropy, bytes) else entropy.encode()
        asked = f"\x1f{what}\x1f{self._counter}\x1f{self.scope.now_ms}".encode()
        return int.from_bytes(hashlib.sha256(seed + asked).digest(), "big")


def _mark(index: int) -> str:
    """Return a text that no sane value holds: noncharacters around a number."""
    return f"\ufdd0{index}\ufdd1"
