"""A place in the tokens of a jq program."""

from __future__ import annotations

from typing import NoReturn

from engine.expression.errors import Failure, quoted
from engine.expression.jq.lexer import Token

MAX_DEPTH = 60
"""How deep a program may nest."""


class Cursor:
    """Moves through the tokens of a jq program.

    Args:
        stream: All tokens, the last of kind `end`.
        source: The program, for messages.
    """

    def __init__(self, stream: list[Token], source: str) -> None:
        self.stream = stream
        self.at = 0
        self.depth = 0
        self.source = source

    def is_at(self, kind: str, value: str | None = None) -> bool:
        """True if the current token is of this kind (and value)."""
        token = self.stream[self.at]
        return token.kind == kind and (value is None or token.value == value)

    def symbol(self, value: str) -> bool:
        """True if the current token is this symbol."""
        return self.is_at("symbol", value)

    def next(self) -> Token:
        """Return the current token and move on."""
        token = self.stream[self.at]
        self.at = min(self.at + 1, len(self.stream) - 1)
        return token

    def fail(self) -> NoReturn:
        """Raise because the current token can't stand here."""
        token = self.stream[self.at]
        found = f"'{token.value}'" if token.kind != "end" else "the end"
        raise Failure(f"{quoted(self.source)} is no jq program: unexpected {found}")

    def expect(self, kind: str, value: str) -> Token:
        """Return the current token and move on, or raise if it is another one."""
        if not self.is_at(kind, value):
            self.fail()
        return self.next()

    def accept(self, kind: str, value: str) -> bool:
        """Move past the current token if it is this one; say whether it was."""
        if self.is_at(kind, value):
            self.next()
            return True
        return False

    def deeper(self) -> None:
        """Count one level of nesting, or raise at the bound."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Failure(f"a jq program nested deeper than {MAX_DEPTH}")
