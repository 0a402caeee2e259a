"""Template text to tokens, one character at a time.

Owns delimiters, whitespace control, string literals with their few escapes, `raw` and `verbatim`. A tag ends where the
lexer says so, never where a pattern finds two braces: a string literal may hold `}}`. Knows no grammar (`parser.py`).
"""

from __future__ import annotations

from typing import NoReturn

from engine.expression.errors import syntax_error
from engine.expression.tokens import CLOSING, PUNCTUATION, SYMBOLS, WORDS, Kind, Token

MAX_SOURCE = 1_048_576
"""Longest template, in characters; a whole flow is smaller."""

MAX_TOKENS = 10_000
"""Most tokens in one template; text between tags is one token however long."""

MAX_INTERPOLATIONS = 5

SPACE = " \t\n\x0b\f\r"


class Lexer:
    """Reads one template.

    Args:
        source: The template.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._tokens: list[Token] = []
        self._brackets: list[str] = []
        self._trim_next = False
        self._interpolations = 0

    def tokens(self) -> list[Token]:
        """Return all tokens, the last one of kind END.

        Raises:
            TemplateSyntaxError: On an unclosed tag, string, bracket or comment, or an unexpected character.
        """
        if len(self._source) > MAX_SOURCE:
            self._fail(f"A template of {len(self._source)} characters is longer than the {MAX_SOURCE} allowed", 0)
        while self._at < len(self._source):
            self._text()
        self._push(Kind.END, "", len(self._source))
        return self._tokens

    def _fail(self, message: str, position: int) -> NoReturn:
        raise syntax_error(message, self._source, position)

    def _push(self, kind: Kind, value: str, position: int) -> None:
        self._tokens.append(Token(kind, value, position))
        if len(self._tokens) > MAX_TOKENS:
            self._fail(f"More than {MAX_TOKENS} tokens", position)

    # -- text and delimiters

    def _text(self) -> None:
        source, start = self._source, self._at
        found = source.find("{", start)
        while found != -1 and source[found + 1 : found + 2] not in ("{", "%", "#"):
            found = source.find("{", found + 1)
        text = source[start:] if found == -1 else source[start:found]
        if self._trim_next:
            text = text.lstrip()
            self._trim_next = False
        if found == -1:
            self._at = len(source)
            self._push_text(Kind.TEXT, text, start)
        else:
            self._open(found, text, start)

    def _push_text(self, kind: Kind, text: str, position: int) -> None:
        if text:
            self._push(kind, text, position)

    def _open(self, found: int, text: str, start: int) -> None:
        source, opener = self._source, self._source[found + 1]
        if opener == "%" and (after := self._word_tag(found, "raw")) != -1:
            self._push_text(Kind.TEXT, text, start)
            self._raw(found, after)
            return
        self._at = found + 2
        if source[self._at : self._at + 1] == "-" and source[self._at + 1 : self._at + 2].strip(SPACE) == "":
            text = text.rstrip()
            self._at += 1
        self._push_text(Kind.TEXT, text, start)
        if opener == "#":
            self._comment(found)
        elif opener == "{":
            self._push(Kind.PRINT_START, "{{", found)
            self._code("}}", Kind.PRINT_END, found)
        elif (after := self._verbatim_start()) != -1:
            self._verbatim(found, after)
        else:
            self._push(Kind.TAG_START, "{%", found)
            self._code("%}", Kind.TAG_END, found)

    def _comment(self, opened: int) -> None:
        end = self._source.find("#}", self._at)
        if end == -1:
            self._fail("Unclosed comment", opened)
        self._trim_next = self._source[self._at : end].endswith("-")
        self._at = end + 2

    def _skip(self, position: int, characters: str) -> int:
        source = self._source
        while position < len(source) and source[position] in characters:
            position += 1
        return position

    def _word_tag(self, position: int, word: str) -> int:
        """Return the offset behind `{% word %}` (dashes allowed, they mean nothing here), -1 if it isn't that tag."""
        at = self._skip(self._skip(position + 2, "-"), SPACE)
        if not self._source.startswith(word, at):
            return -1
        at = self._skip(self._skip(at + len(word), SPACE), "-")
        return at + 2 if self._source.startswith("%}", at) else -1

    def _raw(self, opened: int, content: int) -> None:
        at = self._source.find("{%", content)
        while at != -1:
            after = self._word_tag(at, "endraw")
            if after != -1:
                self._push_text(Kind.RAW, self._source[content:at], opened)
                self._at = after
                return
            at = self._source.find("{%", at + 2)
        self._fail("Unclosed raw tag", opened)

    def _verbatim_start(self) -> int:
        at = self._skip(self._at, SPACE)
        if not self._source.startswith("verbatim", at):
            return -1
        at = self._skip(at + 8, SPACE)
        at += self._source.startswith("-", at)
        return at + 2 if self._source.startswith("%}", at) else -1

    def _verbatim(self, opened: int, content: int) -> None:
        source = self._source
        at = source.find("{%", content)
        while at != -1:
            dashed = source.startswith("-", at + 2)
            word = self._skip(at + 2 + dashed, SPACE)
            if source.startswith("endverbatim", word):
                end = self._skip(word + 11, SPACE)
                trims = source.startswith("-", end)
                if source.startswith("%}", end + trims):
                    # The text behind the opening tag is always trimmed, dash or not: users see it that way.
                    text = source[content:at].lstrip()
                    self._push_text(Kind.TEXT, text.rstrip() if dashed else text, opened)
                    self._trim_next = trims
                    self._at = end + trims + 2
                    return
            at = source.find("{%", at + 2)
        self._fail("Unclosed verbatim tag", opened)

    # -- inside a tag

    def _closes(self, position: int, closer: str) -> int:
        """Return the offset behind the closing delimiter that comes next (a dash may precede it), or -1."""
        at = self._skip(position, SPACE)
        if self._source.startswith(closer, at):
            return at + 2
        if self._source.startswith("-" + closer, at):
            self._trim_next = True
            return at + 3
        return -1

    def _code(self, closer: str, end: Kind, opened: int) -> None:
        outer, self._brackets = self._brackets, []
        while True:
            if not self._brackets and (after := self._closes(self._at, closer)) != -1:
                self._push(end, closer, after - 2)
                self._at = after
                self._brackets = outer
                return
            self._at = self._skip(self._at, SPACE)
            if self._at >= len(self._source):
                if self._brackets:
                    self._fail(f"Unclosed '{self._brackets[-1]}'", opened)
                self._fail(f"Expected '{closer}', but the text ends", opened)
            self._token()

    def _token(self) -> None:
        source, at = self._source, self._at
        first = source[at]
        if first.isalpha() or first == "_":
            self._name(at)
        elif first in "0123456789":
            self._number(at)
        elif first == "'":
            self._single_quoted(at)
        elif first == '"':
            self._double_quoted(at)
        elif (symbol := next((s for s in SYMBOLS if source.startswith(s, at)), None)) is not None:
            self._push(Kind.OPERATOR, symbol, at)
            self._at = at + len(symbol)
        elif first in PUNCTUATION:
            self._punctuation(first, at)
        else:
            self._fail(f"Unexpected character '{first}'", at)

    def _punctuation(self, first: str, at: int) -> None:
        if first in CLOSING:
            self._brackets.append(first)
        elif first in ")]}":
            if not self._brackets:
                self._fail(f"Unexpected '{first}'", at)
            opened = self._brackets.pop()
            if CLOSING[opened] != first:
                self._fail(f"Expected '{CLOSING[opened]}', but found '{first}'", at)
        self._push(Kind.PUNCTUATION, first, at)
        self._at = at + 1

    def _name(self, at: int) -> None:
        source, end = self._source, at + 1
        while end < len(source) and (source[end].isalnum() or source[end] == "_"):
            end += 1
        word = source[at:end]
        previous = self._tokens[-1]
        is_key = previous.kind is Kind.PUNCTUATION and previous.value == "."
        self._push(Kind.OPERATOR if word in WORDS and not is_key else Kind.NAME, word, at)
        self._at = end

    def _number(self, at: int) -> None:
        digits = "0123456789"
        source, end = self._source, self._skip(at, digits)
        if source.startswith("L", end):
            self._push(Kind.LONG, source[at:end], at)
            self._at = end + 1
            return
        kind = Kind.LONG
        if source.startswith(".", end) and source[end + 1 : end + 2] in tuple(digits):
            end = self._skip(end + 1, digits)
            kind = Kind.DOUBLE
        self._push(kind, source[at:end], at)
        self._at = end

    def _single_quoted(self, at: int) -> None:
        end = self._string_end(at + 1, "'")
        if end == -1:
            self._fail("Unclosed string", at)
        self._push(Kind.STRING, self._source[at + 1 : end].replace("\\'", "'"), at)
        self._at = end + 1

    def _string_end(self, at: int, quote: str, interpolated: bool = False) -> int:
        """Return the offset of the quote or interpolation that ends a piece of a string, -1 if none does."""
        source = self._source
        while at < len(source):
            if source[at] == "\\":
                at += 2
            elif source[at] == quote or (interpolated and source.startswith("#{", at)):
                return at
            else:
                at += 1
        return -1

    def _double_quoted(self, opened: int) -> None:
        at, pieces = opened + 1, 0
        while True:
            end = self._string_end(at, '"', interpolated=True)
            if end == -1:
                self._fail("Unclosed string", opened)
            closed = self._source[end] == '"'
            text = self._source[at:end].replace('\\"', '"')
            if text or (closed and not pieces):
                self._push(Kind.STRING, text, opened if not pieces else at)
                pieces += 1
            if closed:
                self._at = end + 1
                return
            pieces += 1
            at = self._interpolation(end)

    def _interpolation(self, at: int) -> int:
        self._push(Kind.INTERPOLATED_START, "#{", at)
        self._interpolations += 1
        if self._interpolations > MAX_INTERPOLATIONS:
            self._fail(f"Interpolations nested deeper than {MAX_INTERPOLATIONS}", at)
        self._at = at + 2
        outer, self._brackets = self._brackets, []
        while True:
            self._at = self._skip(self._at, SPACE)
            if self._at >= len(self._source):
                self._fail("Unclosed '#{'", at)
            if not self._brackets and self._source[self._at] == "}":
                break
            self._token()
        self._brackets = outer
        self._interpolations -= 1
        self._push(Kind.INTERPOLATED_END, "}", self._at)
        return self._at + 1
