"""Which parts of the engine an input reaches: a counter in every block, put in while the modules are loaded.

A block is what runs as a whole: a function's body, a branch, the inside of a loop, a handler. Counting costs little, so
that a campaign still tries hundreds of inputs a second.
"""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType
from typing import Any

COUNTED = ("engine.flow", "engine.expression")
MOST_COUNTED = 7
"""How often a block ran tells inputs apart only by powers of two, up to the seventh."""

_NAME = "__blocks__"


class Blocks:
    """The counters of all blocks of the modules loaded so far."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.places: list[str] = []

    def new(self, module: str, line: int) -> int:
        """Return the number of a new block."""
        self.counts.append(0)
        self.places.append(f"{module}:{line}")
        return len(self.counts) - 1

    def clear(self) -> None:
        """Forget what ran."""
        self.counts[:] = bytes(len(self.counts))

    def features(self) -> set[int]:
        """Return what ran since `clear`: one number for each block and power of two of how often it ran."""
        return {
            (number << 3) + min(count.bit_length(), MOST_COUNTED) for number, count in enumerate(self.counts) if count
        }


def count_blocks() -> Blocks:
    """Return the counters that all modules loaded from now on will have."""
    loaded = [name for name in sys.modules if name.startswith(COUNTED)]
    assert not loaded, f"Too late to count in {', '.join(loaded)}"
    blocks = Blocks()
    sys.meta_path.insert(0, _Finder(blocks))
    return blocks


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if not fullname.startswith(COUNTED):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path, self._blocks)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, blocks: Blocks) -> None:
        super().__init__(fullname, path)
        self._blocks = blocks

    def get_code(self, fullname: str) -> CodeType:
        """Compile the source with counters; compiled files on the disk have none."""
        tree = ast.parse(self.get_data(self.path), self.path)
        _Counting(self._blocks, fullname).visit(tree)
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__[_NAME] = self._blocks.counts
        super().exec_module(module)


class _Counting(ast.NodeTransformer):
    """Puts `__blocks__[n] += 1` at the start of every block inside of functions."""

    def __init__(self, blocks: Blocks, module: str) -> None:
        self._blocks = blocks
        self._module = module
        self._inside = 0

    def _counter(self, line: int) -> ast.stmt:
        number = self._blocks.new(self._module, line)
        (statement,) = ast.parse(f"{_NAME}[{number}] += 1").body
        return ast.increment_lineno(statement, line - 1)

    def _function(self, node: Any) -> Any:
        self._inside += 1
        self.generic_visit(node)
        self._inside -= 1
        has_text = ast.get_docstring(node, clean=False) is not None
        if len(node.body) > has_text:
            node.body.insert(int(has_text), self._counter(node.body[0].lineno))
        return node

    visit_FunctionDef = _function

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if self._inside and isinstance(node, ast.If | ast.For | ast.While | ast.ExceptHandler | ast.match_case):
            for body in (node.body, getattr(node, "orelse", [])):
                if body and not (len(body) == 1 and isinstance(body[0], ast.If)):
                    body.insert(0, self._counter(body[0].lineno))
        return node
