"""jq source to tokens."""

from __future__ import annotations

from typing import NamedTuple

from engine.expression.errors import Failure

MAX_SOURCE = 10_000
KEYWORDS = frozenset(
    {
        *("def", "reduce", "foreach", "if", "then", "elif", "else", "end", "as", "try", "catch", "label"),
        *("and", "or", "import", "include", "__loc__", "break"),
    }
)
SYMBOLS = (
    *("?//=", "?//", "//=", "|=", "+=", "-=", "*=", "/=", "%=", "==", "!=", "<=", ">=", "//", ".."),
    *(".", "[", "]", "(", ")", "{", "}", "|", ",", ":", ";", "=", "<", ">", "+", "-", "*", "/", "%", "?", "$"),
)
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Token(NamedTuple):
    """A token: `kind` is `name`, `field`, `keyword`, `number`, `text`, `format`, `symbol` or `end`."""

    kind: str
    value: str
    parts: tuple[str | tuple[Token, ...], ...] = ()


def tokens(source: str) -> list[Token]:
    """Return the tokens of a jq program, the last of kind `end`.

    Raises:
        Failure: On a character that can't stand there, or an unclosed text.
    """
    if len(source) > MAX_SOURCE:
        raise Failure(f"a jq program of more than {MAX_SOURCE} characters")
    found, _ = _read(source, 0, False, 0)
    return [*found, Token("end", "")]


def _read(source: str, at: int, inside: bool, depth: int) -> tuple[list[Token], int]:
    """Read tokens up to the end, or to the parenthesis that closes an interpolation."""
    found: list[Token] = []
    open_ = 0
    while at < len(source):
        character = source[at]
        if character in " \t\r\n":
            at += 1
        elif character == "#":
            end = source.find("\n", at)
            at = len(source) if end == -1 else end
        elif character == '"':
            token, at = _text(source, at + 1, depth)
            found.append(token)
        elif character.isdigit() or (character == "." and source[at + 1 : at + 2].isdigit()):
            token, at = _number(source, at)
            found.append(token)
        elif character.isalpha() or character in "_@" or _starts_field(source, at):
            end = at + 1
            while end < len(source) and (source[end].isalnum() or source[end] in "_"):
                end += 1
            word = source[at:end]
            kind = {"@": "format", ".": "field"}.get(character, "keyword" if word in KEYWORDS else "name")
            found.append(Token(kind, word.removeprefix(".")))
            at = end
        else:
            symbol = next((each for each in SYMBOLS if source.startswith(each, at)), None)
            if symbol is None:
                raise Failure(f"jq: unexpected '{character}' at character {at + 1}")
            if inside and symbol == ")" and not open_:
                return found, at + 1
            open_ += (symbol == "(") - (symbol == ")")
            found.append(Token("symbol", symbol))
            at += len(symbol)
    if inside:
        raise Failure("jq: an interpolation isn't closed")
    return found, at


def _starts_field(source: str, at: int) -> bool:
    following = source[at + 1 : at + 2]
    return source[at] == "." and (following.isalpha() or following == "_")


def _number(source: str, at: int) -> tuple[Token, int]:
    end = at
    while end < len(source) and (source[end].isdigit() or source[end] == "."):
        end += 1
    if source[end : end + 1] in ("e", "E"):
        exponent = end + 1 + (source[end + 1 : end + 2] in ("+", "-"))
        if source[exponent : exponent + 1].isdigit():
            end = exponent
            while end < len(source) and source[end].isdigit():
                end += 1
    return Token("number", source[at:end]), end


def _text(source: str, at: int, depth: int) -> tuple[Token, int]:
    if depth > 10:
        raise Failure("jq: interpolations nested too deep")
    parts: list[str | tuple[Token, ...]] = []
    plain: list[str] = []
    while at < len(source):
        character = source[at]
        if character == '"':
            parts.append("".join(plain))
            return Token("text", parts[0] if isinstance(parts[0], str) else "", tuple(parts)), at + 1
        if character != "\\":
            plain.append(character)
            at += 1
        elif source.startswith("\\(", at):
            parts.append("".join(plain))
            plain = []
            inner, at = _read(source, at + 2, True, depth + 1)
            parts.append((*inner, Token("end", "")))
        elif source.startswith("\\u", at):
            code, at = _unicode(source, at + 2)
            plain.append(code)
        else:
            letter = source[at + 1 : at + 2]
            # Patterns are often written with one backslash; what isn't an escape keeps it.
            plain.append(_ESCAPES.get(letter, "\\" + letter))
            at += 2
    raise Failure("jq: a text isn't closed")


def _unicode(source: str, at: int) -> tuple[str, int]:
    try:
        code = int(source[at : at + 4], 16)
        if 0xD800 <= code < 0xDC00 and source.startswith("\\u", at + 4):
            low = int(source[at + 6 : at + 10], 16)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 10
        return (chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"), at + 4
    except ValueError:
        raise Failure("jq: '\\u' needs four hexadecimal digits") from None
