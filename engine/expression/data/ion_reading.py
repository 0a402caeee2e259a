"""ION's text form to values.

Owns the reader. Symbols become texts, timestamps become texts as Java prints them, annotations are dropped, decimals
keep their digits, blobs stay Base64.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NoReturn

from engine.expression.dates.reading import read
from engine.expression.dates.writing import write
from engine.expression.errors import Failure, quoted

if TYPE_CHECKING:
    from engine.expression.printing import Counter

MAX_DEPTH = 60
MAX_NUMBER = 1000
_SPACE = " \t\n\r\x0b\x0c"
_STOPS = _SPACE + ",:[]{}()\"'"
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "0": "\0",
    "a": "\x07",
    "b": "\b",
    "f": "\f",
    "v": "\x0b",
    "\n": "",
}
_NOTHING = object()


def read_ion(run: Counter, text: str, most: int | None = None) -> list[Any]:
    """Return the top-level values of an ION text.

    Args:
        run: Whose budget counts.
        text: ION's text form; values may stand on lines of their own.
        most: Stop after this many.

    Raises:
        Failure: If it isn't ION.
    """
    run.grow(len(text))
    run.charge(len(text) // 2)
    reader = _Reader(run, text)
    found: list[Any] = []
    while (most is None or len(found) < most) and (value := reader.value(0)) is not _NOTHING:
        if value == "$ion_1_0" and reader.was_symbol:
            continue
        found.append(value)
    return found


class _Reader:
    """Walks an ION text."""

    def __init__(self, run: Counter, text: str) -> None:
        self.run = run
        self.text = text
        self.at = 0
        self.was_symbol = False

    def _fail(self, message: str) -> NoReturn:
        raise Failure(f"no ION: {message} at character {self.at + 1}")

    def _skip(self) -> None:
        text = self.text
        while self.at < len(text):
            if text[self.at] in _SPACE:
                self.at += 1
            elif text.startswith("//", self.at):
                end = text.find("\n", self.at)
                self.at = len(text) if end == -1 else end
            elif text.startswith("/*", self.at):
                end = text.find("*/", self.at)
                if end == -1:
                    self._fail("unclosed comment")
                self.at = end + 2
            else:
                return

    def value(self, depth: int) -> Any:
        """Return the next value, `_NOTHING` at the end of the text or of a collection."""
        self.run.charge(1)
        if depth > MAX_DEPTH:
            self._fail(f"nested deeper than {MAX_DEPTH}")
        while True:
            self._skip()
            self.was_symbol = False
            if self.at >= len(self.text) or self.text[self.at] in ",]})":
                return _NOTHING
            found = self._one(depth)
            self._skip()
            if not self.text.startswith("::", self.at):
                return found
            self.at += 2

    def _one(self, depth: int) -> Any:
        text, first = self.text, self.text[self.at]
        if text.startswith("{{", self.at):
            return self._blob()
        if first == "{":
            return self._struct(depth)
        if first in "[(":
            return self._list("]" if first == "[" else ")", depth)
        if text.startswith("'''", self.at):
            return self._long()
        if first in "\"'":
            self.was_symbol = first == "'"
            return self._quoted(first)
        return self._bare()

    def _struct(self, depth: int) -> dict[str, Any]:
        self.at += 1
        found: dict[str, Any] = {}
        while True:
            self._skip()
            if self.text.startswith("}", self.at):
                self.at += 1
                return found
            name = self._name()
            self._skip()
            if not self.text.startswith(":", self.at):
                self._fail("expected ':'")
            self.at += 1
            value = self.value(depth + 1)
            if value is _NOTHING:
                self._fail("expected a value")
            found[name] = value
            self._separate("}")

    def _name(self) -> str:
        if self.at >= len(self.text):
            self._fail("expected a name, but the text ends")
        if self.text.startswith("'''", self.at):
            return self._long()
        if self.text[self.at] in "\"'":
            return self._quoted(self.text[self.at])
        return self._word() or self._fail("expected a name")

    def _separate(self, close: str) -> None:
        self._skip()
        if self.text.startswith(",", self.at):
            self.at += 1
        elif not self.text.startswith(close, self.at):
            self._fail(f"expected ',' or '{close}'")

    def _list(self, close: str, depth: int) -> list[Any]:
        self.at += 1
        found: list[Any] = []
        while True:
            value = self.value(depth + 1)
            if value is _NOTHING:
                if not self.text.startswith(close, self.at):
                    self._fail(f"expected '{close}'")
                self.at += 1
                return found
            found.append(value)
            if close == "]":
                self._separate(close)

    def _word(self) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in _STOPS:
            self.at += 1
        return self.text[start : self.at]

    def _bare(self) -> Any:
        start = self.at
        word = self._word()
        if word[:1].isdigit() and self.text.startswith(":", self.at) and "T" in word:
            # A timestamp holds colons, which end every other word.
            while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] in ":.+-"):
                self.at += 1
            return self._timestamp(self.text[start : self.at])
        if not word:
            self._fail(f"unexpected '{self.text[self.at]}'")
        if word == "null" or word.startswith("null."):
            return None
        if word in ("true", "false"):
            return word == "true"
        if word in ("nan", "+inf", "-inf"):
            return float(word)
        if word[0].isdigit() or word[0] == "-":
            return self._number(word)
        if not (word[0].isalpha() or word[0] in "_$"):
            self._fail(f"unexpected {quoted(word)}")
        self.was_symbol = True
        return word

    def _number(self, word: str) -> Any:
        plain = word.replace("_", "")
        if len(plain) > MAX_NUMBER:
            self._fail(f"a number of more than {MAX_NUMBER} characters")
        lowered = plain.lower()
        try:
            digits = lowered.lstrip("-")
            if digits.startswith(("0x", "0b")):
                return int(plain, 0)
            if "e" in lowered:
                return float(plain)
            if "." in lowered or "d" in lowered:
                value = Decimal(lowered.replace("d", "e"))
                if abs(value.adjusted()) > 5000:
                    raise ValueError
                return value
            if "-" in digits or lowered.endswith("t"):
                return self._timestamp(word)
            return int(plain)
        except (ValueError, InvalidOperation):
            self._fail(f"{quoted(word)} is no number")

    def _timestamp(self, word: str) -> str:
        """Return a timestamp as Java prints what it reads from it: a day, an instant, or a zoned date-time."""
        day, _, clock = word.partition("T")
        whole = (day + "-01-01")[:10]
        if not clock:
            return whole
        moment = read(f"{whole}T{clock}", None, "Z")
        if moment.offset_seconds:
            return write(moment, "yyyy-MM-dd'T'HH:mm" + ("" if moment.at.second == 0 else ":ss") + "XXX")
        text = write(moment, "iso_instant")
        return text[:10] if text.endswith("T00:00:00Z") else text

    def _quoted(self, quote: str) -> str:
        self.at += 1
        out: list[str] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            self.at += 1
            if character == quote:
                return "".join(out)
            if character == "\n":
                break
            out.append(self._escape() if character == "\\" else character)
        self._fail("unclosed quote")

    def _long(self) -> str:
        out: list[str] = []
        while self.text.startswith("'''", self.at):
            self.at += 3
            while not self.text.startswith("'''", self.at):
                if self.at >= len(self.text):
                    self._fail("unclosed quote")
                character = self.text[self.at]
                self.at += 1
                out.append(self._escape() if character == "\\" else character)
            self.at += 3
            self._skip()
        return "".join(out)

    def _escape(self) -> str:
        letter = self.text[self.at : self.at + 1]
        self.at += 1
        if letter in ("x", "u", "U"):
            length = {"x": 2, "u": 4, "U": 8}[letter]
            digits = self.text[self.at : self.at + length]
            self.at += length
            try:
                return chr(int(digits, 16))
            except (ValueError, OverflowError):
                self._fail(f"'\\{letter}{digits}' is no character")
        return _ESCAPES.get(letter, letter)

    def _blob(self) -> str:
        end = self.text.find("}}", self.at)
        if end == -1:
            self._fail("unclosed blob")
        content = self.text[self.at + 2 : end].strip()
        self.at = end + 2
        return content.strip('"')
