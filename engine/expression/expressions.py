"""Tokens of an expression to its tree: precedence climbing over one table per dialect.

Owns operators and literals. Tags are `parser.py`'s. Heights of trees are bounded here, since everything behind
recurses over them.
"""

from __future__ import annotations

from typing import TypeVar

from engine.expression import tree
from engine.expression.cursor import Cursor
from engine.expression.errors import syntax_error
from engine.expression.numbers import LONG_MAX, Long
from engine.expression.tokens import Kind, Token
from engine.values import Dialect

MAX_DEPTH = 50
"""Greatest height of an expression. Chains of `+`, `~`, `and`, `or` and dotted paths count once however long."""

MAX_NODES = 1_500
"""Most expression nodes in one template; Jinja2's compiler takes some 30 µs for each."""

_COMMON = {
    "or": 10,
    "and": 15,
    "is": 20,
    "contains": 20,
    "matches": 20,
    "==": 30,
    "equals": 30,
    "!=": 30,
    ">": 30,
    "<": 30,
    ">=": 30,
    "<=": 30,
    "+": 40,
    "-": 40,
    "*": 60,
    "/": 60,
    "%": 60,
    "|": 100,
    "~": 110,
    "..": 120,
}
PRECEDENCE = {
    Dialect.V1: {**_COMMON, "??": 120, "???": 120, "isIn": 120},
    Dialect.V2: {**_COMMON, "??": 30, "???": 30, "isIn": 30},
}
UNARY = 500
CHAINS = frozenset({"+", "~", "and", "or"})
CONSTANTS = {
    "true": True,
    "TRUE": True,
    "false": False,
    "FALSE": False,
    "null": None,
    "NULL": None,
    "none": None,
    "NONE": None,
}
RESERVED = frozenset({"true", "false", "null", "none"})


E = TypeVar("E", bound=tree.Expression)


class ExpressionParser(Cursor):
    """Reads expressions from a token list; the template parser moves in the same list.

    Args:
        source: The template, for messages.
        tokens: All its tokens.
        dialect: Which precedence table holds.
    """

    def __init__(self, source: str, tokens: list[Token], dialect: Dialect) -> None:
        super().__init__(source, tokens)
        self._levels = 0
        self.nodes = 0
        self._precedence = PRECEDENCE[dialect]

    def _made(self, node: E) -> E:
        below = tree.children(node)
        node.depth = 1 + max((child.depth for child in below), default=0)
        self.nodes += 1
        if node.depth > MAX_DEPTH:
            raise syntax_error(f"Expressions nested deeper than {MAX_DEPTH}", self.source, node.position)
        if self.nodes > MAX_NODES:
            raise syntax_error(f"More than {MAX_NODES} operands and operators", self.source, node.position)
        return node

    # -- grammar

    def expression(self) -> tree.Expression:
        """Read a full expression, ternary included."""
        return self._binary(0)

    def _binary(self, lowest: int) -> tree.Expression:
        self._levels += 1
        if self._levels > MAX_DEPTH:
            self.fail(f"Expressions nested deeper than {MAX_DEPTH}")
        left = self._operand()
        while (precedence := self._operator_precedence()) >= lowest:
            left = self._made(self._behind(left, precedence))
        if lowest == 0 and self.is_at(Kind.PUNCTUATION, "?"):
            left = self._ternary(left)
        self._levels -= 1
        return left

    def _operator_precedence(self) -> int:
        token = self.current
        if token.kind is Kind.OPERATOR or (token.kind is Kind.NAME and token.value == "matches"):
            return self._precedence.get(token.value, -1)
        return -1

    def _behind(self, left: tree.Expression, precedence: int) -> tree.Expression:
        """Read an operator and what stands behind it."""
        token = self.advance()
        if token.value == "|":
            name = self.expect(Kind.NAME)
            return tree.Filter(name.position, left, name.value, self._optional_arguments())
        if token.value == "is":
            return self._test(left)
        right = self._binary(precedence + 1)
        operator = "==" if token.value == "equals" else token.value
        if operator not in CHAINS:
            return tree.Binary(token.position, operator, left, right)
        operands = [left, right]
        while self.is_at(Kind.OPERATOR, operator):
            self.advance()
            operands.append(self._binary(precedence + 1))
        return tree.Chain(token.position, operator, tuple(operands))

    def _test(self, value: tree.Expression) -> tree.Test:
        negated = self.is_at(Kind.OPERATOR, "not")
        if negated:
            self.advance()
        name = self.expect(Kind.NAME)
        return tree.Test(name.position, value, name.value, negated, self._optional_arguments())

    def _ternary(self, condition: tree.Expression) -> tree.Expression:
        mark = self.advance()
        yes = self.expression()
        self.expect(Kind.PUNCTUATION, ":")
        return self._made(tree.Ternary(mark.position, condition, yes, self.expression()))

    def _operand(self) -> tree.Expression:
        token = self.current
        if token.kind is Kind.OPERATOR and token.value in ("not", "-", "+"):
            self.advance()
            return self._made(tree.Unary(token.position, token.value, self._binary(UNARY)))
        if token.kind is Kind.PUNCTUATION:
            match token.value:
                case "(":
                    self.advance()
                    inner = self.expression()
                    self.expect(Kind.PUNCTUATION, ")")
                    return self._postfix(inner)
                case "[":
                    return self._made(self._list())
                case "{":
                    return self._made(self._map())
        return self._postfix(self._made(self._atom()))

    def _atom(self) -> tree.Expression:
        token = self.current
        match token.kind:
            case Kind.NAME:
                self.advance()
                if token.value in CONSTANTS:
                    return tree.Literal(token.position, CONSTANTS[token.value])
                if self.is_at(Kind.PUNCTUATION, "("):
                    return tree.Call(token.position, token.value, self.arguments())
                return tree.Path(token.position, (token.value,))
            case Kind.LONG:
                self.advance()
                if len(token.value) > 19 or int(token.value) > LONG_MAX:
                    self.fail(f"{token.value} is larger than a whole number can be ({LONG_MAX})", token)
                return tree.Literal(token.position, Long(token.value))
            case Kind.DOUBLE:
                self.advance()
                if len(token.value) > 300:
                    self.fail("A number with more than 300 digits", token)
                return tree.Literal(token.position, float(token.value))
            case Kind.STRING | Kind.INTERPOLATED_START:
                return self._string()
        found = f"'{token.value}'" if token.value else "the text ends"
        self.fail(f"Expected a value, but found {found}" if token.value else "Expected a value, but the text ends")

    def _string(self) -> tree.Expression:
        start = self.current.position
        parts: list[tree.Expression] = []
        after_text = False
        while True:
            if self.is_at(Kind.STRING) and not after_text:
                token = self.advance()
                parts.append(tree.Literal(token.position, token.value))
                after_text = True
            elif self.is_at(Kind.INTERPOLATED_START) and (not after_text or parts):
                self.advance()
                parts.append(self.expression())
                self.expect(Kind.INTERPOLATED_END)
                after_text = False
            else:
                break
        return parts[0] if len(parts) == 1 else tree.Chain(start, "~", tuple(parts))

    def _postfix(self, node: tree.Expression) -> tree.Expression:
        while True:
            if self.is_at(Kind.PUNCTUATION, "."):
                self.advance()
                name = self.expect(Kind.NAME)
                if self.is_at(Kind.PUNCTUATION, "("):
                    given = self.arguments()
                    if given.named:
                        self.fail("A method takes no named arguments", name)
                    node = self._made(tree.Method(name.position, node, name.value, given.positional))
                else:
                    node = self._keyed(node, tree.Literal(name.position, name.value))
            elif self.is_at(Kind.PUNCTUATION, "["):
                self.advance()
                key = self.expression()
                self.expect(Kind.PUNCTUATION, "]")
                node = self._keyed(node, key)
            else:
                return node

    def _keyed(self, node: tree.Expression, key: tree.Expression) -> tree.Expression:
        if isinstance(node, tree.Path) and isinstance(key, tree.Literal) and isinstance(key.value, str):
            node.names = (*node.names, key.value)
            return node
        return self._made(tree.Attribute(key.position, node, key))

    def _list(self) -> tree.ListOf:
        start = self.expect(Kind.PUNCTUATION, "[")
        items: list[tree.Expression] = []
        while not self.is_at(Kind.PUNCTUATION, "]") or items:
            items.append(self.expression())
            if self.is_at(Kind.PUNCTUATION, "]"):
                break
            self.expect(Kind.PUNCTUATION, ",")
        self.advance()
        return tree.ListOf(start.position, tuple(items))

    def _map(self) -> tree.MapOf:
        start = self.expect(Kind.PUNCTUATION, "{")
        entries: list[tuple[tree.Expression, tree.Expression]] = []
        while not self.is_at(Kind.PUNCTUATION, "}") or entries:
            key = self.expression()
            self.expect(Kind.PUNCTUATION, ":")
            entries.append((key, self.expression()))
            if self.is_at(Kind.PUNCTUATION, "}"):
                break
            self.expect(Kind.PUNCTUATION, ",")
        self.advance()
        return tree.MapOf(start.position, tuple(entries))

    # -- arguments and names

    def _optional_arguments(self) -> tree.Arguments:
        return self.arguments() if self.is_at(Kind.PUNCTUATION, "(") else tree.Arguments()

    def filter_invocation(self) -> tuple[int, str, tree.Arguments]:
        """Read what stands behind a `|`: position, name, arguments."""
        name = self.expect(Kind.NAME)
        return name.position, name.value, self._optional_arguments()

    def arguments(self) -> tree.Arguments:
        """Read `(a, b, name=c)`; named ones come last."""
        self.expect(Kind.PUNCTUATION, "(")
        positional: list[tree.Expression] = []
        named: list[tuple[str, tree.Expression]] = []
        while not self.is_at(Kind.PUNCTUATION, ")"):
            if positional or named:
                self.expect(Kind.PUNCTUATION, ",")
            following = self.peek()
            if following.kind is Kind.PUNCTUATION and following.value == "=":
                name = self.new_name()
                self.advance()
                named.append((name, self.expression()))
            elif named:
                self.fail("Positional arguments must come before named ones")
            else:
                positional.append(self.expression())
        self.advance()
        return tree.Arguments(tuple(positional), tuple(named))

    def new_name(self) -> str:
        """Read a name that is about to get a value."""
        token = self.expect(Kind.NAME)
        if token.value in RESERVED:
            self.fail(f"'{token.value}' can't be given a value", token)
        return token.value
