"""A template's source to its statements.

Owns tags; expressions are `expressions.py`'s. A tag the language doesn't have is an error here, a filter or function it
doesn't have only when it is reached: the branch that holds it may never run.
"""

from __future__ import annotations

from engine.expression import tree
from engine.expression.expressions import ExpressionParser
from engine.expression.lexer import Lexer
from engine.expression.tokens import Kind, Token
from engine.values import Dialect

MAX_NESTING = 15
"""How deep tags may nest; Python allows twenty loops inside each other."""


def parse(source: str, dialect: Dialect = Dialect.V1) -> tuple[tree.Body, int]:
    """Return the statements of a template, and how many nodes its expressions have.

    Raises:
        TemplateSyntaxError: With line and column of the first thing that isn't the language.
    """
    parser = TemplateParser(source, Lexer(source).tokens(), dialect)
    return parser.template(), parser.nodes


class TemplateParser(ExpressionParser):
    """Reads a whole template."""

    def __init__(self, source: str, tokens: list[Token], dialect: Dialect) -> None:
        super().__init__(source, tokens, dialect)
        self._nesting = 0

    def template(self) -> tree.Body:
        """Read everything up to the end."""
        body = self._body(())
        self.expect(Kind.END)
        return body

    def _body(self, until: tuple[str, ...]) -> tree.Body:
        """Read statements up to one of the tags; leaves its name as the current token."""
        found: list[tree.Statement] = []
        while True:
            token = self.current
            match token.kind:
                case Kind.TEXT:
                    self.advance()
                    found.append(tree.Text(token.position, token.value))
                case Kind.RAW:
                    self.advance()
                    found.append(tree.Raw(token.position, token.value))
                case Kind.PRINT_START:
                    self.advance()
                    found.append(tree.Print(token.position, self.expression()))
                    self.expect(Kind.PRINT_END)
                case Kind.TAG_START:
                    self.advance()
                    if self.current.kind is Kind.NAME and self.current.value in until:
                        return tuple(found)
                    found.append(self._tag())
                case _:
                    if until:
                        self.fail(f"Expected the tag '{until[-1]}', but the text ends")
                    return tuple(found)

    def _tag(self) -> tree.Statement:
        name = self.expect(Kind.NAME)
        read = {
            "if": self._if,
            "for": self._for,
            "set": self._set,
            "macro": self._macro,
            "block": self._block,
            "filter": self._filter,
        }.get(name.value)
        if read is None:
            self.fail(f"Unexpected tag '{name.value}'", name)
        self._nesting += 1
        if self._nesting > MAX_NESTING:
            self.fail(f"Tags nested deeper than {MAX_NESTING}", name)
        statement = read(name.position)
        self._nesting -= 1
        return statement

    def _close(self, name: str) -> None:
        self.expect(Kind.NAME, name)
        self.expect(Kind.TAG_END)

    def _if(self, position: int) -> tree.If:
        branches: list[tuple[tree.Expression, tree.Body]] = []
        otherwise: tree.Body = ()
        ends = ("elseif", "else", "endif")
        while True:
            condition = self.expression()
            self.expect(Kind.TAG_END)
            branches.append((condition, self._body(ends)))
            if self.is_at(Kind.NAME, "elseif"):
                self.advance()
                continue
            if self.is_at(Kind.NAME, "else"):
                self._close("else")
                otherwise = self._body(("endif",))
            self._close("endif")
            return tree.If(position, tuple(branches), otherwise)

    def _for(self, position: int) -> tree.For:
        name = self.new_name()
        self.expect(Kind.NAME, "in")
        iterable = self.expression()
        self.expect(Kind.TAG_END)
        body = self._body(("else", "endfor"))
        otherwise: tree.Body = ()
        if self.is_at(Kind.NAME, "else"):
            self._close("else")
            otherwise = self._body(("endfor",))
        self._close("endfor")
        return tree.For(position, name, iterable, body, otherwise)

    def _set(self, position: int) -> tree.Set:
        name = self.new_name()
        self.expect(Kind.PUNCTUATION, "=")
        value = self.expression()
        self.expect(Kind.TAG_END)
        return tree.Set(position, name, value)

    def _parameters(self) -> tuple[tuple[str, tree.Expression | None], ...]:
        """Read a macro's `(a, b=default)`."""
        self.expect(Kind.PUNCTUATION, "(")
        found: list[tuple[str, tree.Expression | None]] = []
        while not self.is_at(Kind.PUNCTUATION, ")"):
            if found:
                self.expect(Kind.PUNCTUATION, ",")
            name = self.new_name()
            default: tree.Expression | None = None
            if self.is_at(Kind.PUNCTUATION, "="):
                self.advance()
                default = self.expression()
            found.append((name, default))
        self.advance()
        return tuple(found)

    def _macro(self, position: int) -> tree.Macro:
        name = self.expect(Kind.NAME).value
        parameters = self._parameters()
        self.expect(Kind.TAG_END)
        body = self._body(("endmacro",))
        self._close("endmacro")
        return tree.Macro(position, name, parameters, body)

    def _block(self, position: int) -> tree.Block:
        token = self.advance()
        if token.kind not in (Kind.NAME, Kind.STRING):
            self.fail("Expected the name of the block", token)
        self.expect(Kind.TAG_END)
        body = self._body(("endblock",))
        self.expect(Kind.NAME, "endblock")
        if self.is_at(Kind.NAME, token.value) or self.is_at(Kind.STRING, token.value):
            self.advance()
        self.expect(Kind.TAG_END)
        return tree.Block(position, token.value, body)

    def _filter(self, position: int) -> tree.FilterBlock:
        filters = [self.filter_invocation()]
        while self.is_at(Kind.OPERATOR, "|"):
            self.advance()
            filters.append(self.filter_invocation())
        self.expect(Kind.TAG_END)
        body = self._body(("endfilter",))
        self._close("endfilter")
        return tree.FilterBlock(position, tuple(filters), body)
