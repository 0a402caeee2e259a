"""jq tokens to a syntax tree: pipelines, operators and their precedence."""

from __future__ import annotations

from functools import lru_cache

from engine.expression.errors import Failure
from engine.expression.jq import syntax as s
from engine.expression.jq.lexer import Token, tokens
from engine.expression.jq.terms import IDENTITY, TermParser

_LEVELS = {
    "//": 2,
    "=": 3,
    "|=": 3,
    "+=": 3,
    "-=": 3,
    "*=": 3,
    "/=": 3,
    "%=": 3,
    "//=": 3,
    "or": 4,
    "and": 5,
    "==": 6,
    "!=": 6,
    "<": 6,
    "<=": 6,
    ">": 6,
    ">=": 6,
    "+": 7,
    "-": 7,
    "*": 8,
    "/": 8,
    "%": 8,
}
_RIGHT = 2
_NONE = (3, 6)


@lru_cache(maxsize=512)
def parse(source: str) -> s.Node:
    """Return the tree of a jq program.

    Raises:
        Failure: If it isn't jq.
    """
    parser = _Parser(tokens(source), source)
    if parser.is_at("end"):
        return IDENTITY
    node = parser.pipe()
    parser.expect("end", "")
    return node


class _Parser(TermParser):
    def pipe(self) -> s.Node:
        """Read a whole pipeline, definitions and bindings included."""
        self.deeper()
        try:
            if self.is_at("keyword", "def"):
                return self._definition()
            if self.accept("keyword", "label"):
                self.expect("symbol", "$")
                name = self.next().value
                self.expect("symbol", "|")
                return s.Label(name, self.pipe())
            left = self._comma()
            if self.accept("symbol", "|"):
                return s.Pipe(left, self.pipe())
            return left
        finally:
            self.depth -= 1

    def _definition(self) -> s.Node:
        self.expect("keyword", "def")
        name = self.next().value
        parameters: list[str] = []
        if self.accept("symbol", "("):
            while True:
                prefix = "$" if self.accept("symbol", "$") else ""
                if not (self.is_at("name") or self.is_at("keyword")):
                    self.fail()
                parameters.append(prefix + self.next().value)
                if self.accept("symbol", ")"):
                    break
                self.expect("symbol", ";")
        self.expect("symbol", ":")
        body = self.pipe()
        self.expect("symbol", ";")
        rest = IDENTITY if self.is_at("end") else self.pipe()
        return s.Definition(name, tuple(parameters), body, rest)

    def _comma(self) -> s.Node:
        left = self._binary(2)
        count = 0
        while self.accept("symbol", ","):
            count += 1
            if count > 100:
                raise Failure("a jq program with more than 100 results side by side")
            left = s.Comma(left, self._binary(2))
        return left

    def _level(self) -> int:
        token = self.stream[self.at]
        return _LEVELS.get(token.value, -1) if token.kind in ("symbol", "keyword") else -1

    def _binary(self, lowest: int) -> s.Node:
        self.deeper()
        left = self._postfix()
        count = 0
        while (level := self._level()) >= lowest:
            count += 1
            if count > 100:
                raise Failure("a jq program with more than 100 operators in a row")
            operator = self.next().value
            right = self._binary(level if level == _RIGHT else level + 1)
            left = self._combined(operator, left, right)
            if level in _NONE and self._level() == level:
                self.fail()
        self.depth -= 1
        return left

    def _combined(self, operator: str, left: s.Node, right: s.Node) -> s.Node:
        if operator == "//":
            return s.Alternative(left, right)
        if operator in ("and", "or"):
            return s.Logic(operator, left, right)
        if _LEVELS[operator] == 3:
            return s.Assignment(operator, left, right)
        return s.Binary(operator, left, right)

    def _postfix(self) -> s.Node:
        if self.accept("symbol", "-"):
            return s.Negative(self._postfix())
        node = self.suffixes(self.term())
        if self.accept("keyword", "as"):
            pattern = self.pattern()
            self.expect("symbol", "|")
            return s.Bind(node, pattern, self.pipe())
        return node

    def value(self) -> s.Node:
        """Read anything up to a comma."""
        return self._binary(2)

    def within(self, part: tuple[Token, ...]) -> s.Node:
        """Read the tokens of an interpolation."""
        inner = _Parser(list(part), self.source)
        inner.depth = self.depth + 1
        node = inner.pipe()
        inner.expect("end", "")
        return node
