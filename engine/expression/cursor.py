"""A place in a list of tokens: looking, moving on, insisting."""

from __future__ import annotations

from typing import NoReturn

from engine.expression.errors import syntax_error
from engine.expression.tokens import Kind, Token


class Cursor:
    """Moves through the tokens of a template.

    Args:
        source: The template, for messages.
        tokens: All its tokens, the last of kind END.
    """

    def __init__(self, source: str, tokens: list[Token]) -> None:
        self.source = source
        self._tokens = tokens
        self._at = 0

    @property
    def current(self) -> Token:
        """The token that comes next."""
        return self._tokens[self._at]

    def peek(self) -> Token:
        """Return the token after the current one."""
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def advance(self) -> Token:
        """Return the current token and move on."""
        token = self._tokens[self._at]
        if token.kind is not Kind.END:
            self._at += 1
        return token

    def fail(self, message: str, token: Token | None = None) -> NoReturn:
        """Raise a syntax error at a token, the current one if none is given."""
        raise syntax_error(message, self.source, (token or self.current).position)

    def is_at(self, kind: Kind, value: str | None = None) -> bool:
        """True if the current token is of this kind (and value)."""
        token = self._tokens[self._at]
        return token.kind is kind and (value is None or token.value == value)

    def expect(self, kind: Kind, value: str | None = None) -> Token:
        """Return the current token and move on, or raise if it is another one."""
        if not self.is_at(kind, value):
            wanted = f"'{value}'" if value else kind.name.lower().replace("_", " ")
            found = f"'{self.current.value}'" if self.current.value else "the end"
            self.fail(f"Expected {wanted}, but found {found}")
        return self.advance()
