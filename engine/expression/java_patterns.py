"""Java's spelling of regular expressions, translated into that of the `regex` library.

Owns the differences of spelling. What only the library knows (recursion, fuzzy counts, its own flags and escapes) is
refused as Java refuses it. Bounds are `patterns.py`'s.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped, unused-ignore]

_PROPERTIES = {
    "IsLetter": "L",
    "IsDigit": "Nd",
    "IsUppercase": "Lu",
    "IsLowercase": "Ll",
    "javaLetter": "L",
    "javaUpperCase": "Lu",
    "javaLowerCase": "Ll",
}
_ASCII = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7F",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`\{-\~",
    "Graph": r"!-\~",
    "Print": r" -\~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1F\x7F",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t-\r",
}
"""POSIX classes; `\\p{Alpha}` means ASCII whatever else the pattern holds."""
_SETS = {
    "d": "0-9",
    "w": "a-zA-Z0-9_",
    "s": r" \t-\r",
    "h": r" \t\xA0\u1680\u180E\u2000-\u200A\u202F\u205F\u3000",
    "v": r"\n-\r\x85\u2028\u2029",
}
_ESCAPES = frozenset("tnrfaecxu0123456789dDhHsSvVwWbBAGZzRXkQEpPN")
_GROUP = re.compile(r"\(\?(?:[:=!>]|<[=!]|<[a-zA-Z][a-zA-Z0-9]*>|([idmsuxU]*)(-[idmsuxU]+)?([:)]))")
_CODE = re.compile(r"\\(?:x\{([0-9A-Fa-f]{1,6})\}|0([0-3]?[0-7]{1,2})|c(.))", re.DOTALL)


@lru_cache(maxsize=512)
def java_pattern(pattern: str) -> Any:
    """Return a compiled pattern that means what it means in Java.

    Raises:
        ValueError: If it isn't one, or is too large.
    """
    try:
        text, flags = _translated(pattern)
        return regex.compile(text, flags=flags)
    except regex.error as error:
        raise ValueError(str(error)) from None
    except (RecursionError, OverflowError, MemoryError):
        raise ValueError("it is too large") from None


def _translated(pattern: str) -> tuple[str, int]:
    """Return a pattern in the library's spelling, and the library's flags that make it read as Java reads it.

    `\\w`, `\\d` and `\\s` mean ASCII unless `(?U)` asks otherwise; properties and `(?u)` need the full tables.

    Raises:
        ValueError: If it isn't a pattern in Java.
    """
    reader = _Reader(pattern)
    text = "".join(reader.read())
    return text, int((0 if reader.unicode else regex.ASCII) | (regex.VERSION1 if reader.nested else regex.VERSION0))


class _Reader:
    """Goes once through a pattern."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        flags = "".join(match[1] or "" for match in _GROUP.finditer(pattern))
        self.wide = "U" in flags
        self.unicode = self.wide or "u" in flags or "\\p" in pattern or "\\P" in pattern
        self.nested = False
        self.depth = 0
        """How many character classes are open."""

    def read(self) -> list[str]:
        """Return the parts in the library's spelling."""
        out: list[str] = []
        at = 0
        while at < len(self.pattern):
            character = self.pattern[at]
            if character == "\\" and at + 1 < len(self.pattern):
                text, at = self._escape(at)
            elif self.depth:
                text, at = self._in_class(at)
            elif character == "[":
                text, at = self._open(at)
            elif character == "(" and self.pattern.startswith(("(?", "(*"), at):
                text, at = self._group(at)
            elif character == "{" and not self.pattern[at + 1 : at + 2].isdigit():
                raise ValueError("a repetition by no number")
            else:
                text, at = character, at + 1
            out.append(text)
        return out

    def _open(self, at: int) -> tuple[str, int]:
        self.depth += 1
        end = at + 1 + self.pattern.startswith("^", at + 1)
        if self.pattern.startswith("]", end):
            return self.pattern[at:end] + "\\]", end + 1
        return self.pattern[at:end], end

    def _in_class(self, at: int) -> tuple[str, int]:
        character = self.pattern[at]
        if character == "[":
            self.nested = True
            return self._open(at)
        if self.pattern.startswith("&&", at):
            self.nested = True
            return "&&", at + 2
        self.depth -= character == "]"
        return "\\" + character if character in "|~&" else character, at + 1

    def _group(self, at: int) -> tuple[str, int]:
        match = _GROUP.match(self.pattern, at)
        if match is None:
            raise ValueError("a group of no known kind")
        if match[3] is None:
            return match[0], match.end()
        on, off = (re.sub("[uUd]", "", flags or "") for flags in match.group(1, 2))
        flags = on + (off if off != "-" else "")
        if not flags:
            return "" if match[3] == ")" else "(?:", match.end()
        return f"(?{flags}{match[3]}", match.end()

    def _escape(self, at: int) -> tuple[str, int]:
        pattern, letter = self.pattern, self.pattern[at + 1]
        if letter.isascii() and letter.isalpha() and letter not in _ESCAPES:
            raise ValueError(f"the escape \\{letter} means nothing")
        if letter == "Q":
            end = pattern.find("\\E", at + 2)
            plain = pattern[at + 2 :] if end == -1 else pattern[at + 2 : end]
            return regex.escape(plain), len(pattern) if end == -1 else end + 2
        if letter in "pP" and pattern.startswith("{", at + 2) and (end := pattern.find("}", at)) != -1:
            return self._property(letter, pattern[at + 3 : end]), end + 1
        if letter == "N" and pattern.startswith("{", at + 2) and (end := pattern.find("}", at)) != -1:
            return pattern[at : end + 1], end + 1
        if letter == "k" and (name := re.compile(r"<(\w+)>").match(pattern, at + 2)) is not None:
            return f"(?P={name[1]})", name.end()
        if (code := _CODE.match(pattern, at)) is not None:
            number = int(code[1], 16) if code[1] else int(code[2], 8) if code[2] else ord(code[3]) ^ 64
            if number > 0x10FFFF:
                raise ValueError("a character that doesn't exist")
            return regex.escape(chr(number)), code.end()
        small = letter.lower()
        if small in "hv" or (small in "dws" and self.unicode and not self.wide):
            return self._set(_SETS[small], letter.isupper(), "\\" + letter), at + 2
        return {"e": r"\x1B", "z": r"\Z", "Z": r"(?=\n?\Z)"}.get(letter, "\\" + letter), at + 2

    def _property(self, letter: str, name: str) -> str:
        written = f"\\{letter}{{{_PROPERTIES.get(name, name.removeprefix('Is'))}}}"
        return self._set(_ASCII[name], letter == "P", written) if name in _ASCII and not self.wide else written

    def _set(self, members: str, negated: bool, written: str) -> str:
        """Return a set of characters where it stands; a negated one within a class keeps the library's meaning."""
        if self.depth:
            return written if negated else members
        return f"[{'^' if negated else ''}{members}]"
