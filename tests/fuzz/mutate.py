"""Inputs made out of other inputs: by pieces of the language, by lines and their indentation, and by noise.

Owns chance: the same `Random` gives the same inputs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.edits import read_edit

LENGTH_MAX = 24_000
"""Characters of most inputs."""
LENGTH_MAX_BLOWN_UP = 400_000
"""Of the few in which something is repeated many times: near to what the front door lets in."""

_PIECE = re.compile(r"\s+|\w+|\{\{|\}\}|\{%|%\}|'[^'\n]*'|\"[^\"\n]*\"|.", re.DOTALL)
_MARKS = [*"-:,[]{}()|>&*!%#@`'\"?.~\\\t\n\r \0", "\u2028", "\x85", "\ufeff", "\ud800", "é", "😀", "\ufdd0"]
_VALUES = [
    *("null", "~", "true", "no", "0", "-1", "1e3", "0x1F", "1_000", "1.5", ".inf", "9" * 40, "''", '""', "[]", "{}"),
    *("P1D", "PT0S", "PT-5M", "P999999Y", "2024-02-30", "2024-02-29T25:00:00Z", "00:61", "*/5 * * * *", "@daily"),
    *("60 25 32 13 8", "Europe/Oslo", "a.b", "${x}", "[1, [2, {a: b}]]", "{a: 1, b: [c]}", "|\n  x\n  y", ">-\n  x\n"),
    *("&a x", "*a", "!!int 5", "!!str 1", "!custom x", "<<: *a", "- a", "? x", "--- ", "...", "%YAML 1.2", "# note"),
    *('"{{ inputs.name }}"', "'{{ outputs.a.value }}'", "{{ x", "'{% if %}'", "(a+)+$", "[a-z]{1,9}", "\\d+"),
]


class Mutator:
    """Makes new inputs for one target.

    Args:
        words: Names and marks of its language.
        chance: Where all choices come from.
    """

    def __init__(self, words: Sequence[str], chance: Random) -> None:
        self.words = list(words)
        self.chance = chance
        self._changes: list[Callable[[str, str], str]] = [
            *(self._delete, self._double, self._swap, self._splice, self._insert, self._replace) * 2,
            *(self._delete_block, self._double_block, self._move_block, self._splice_block, self._indent) * 2,
            *(self._value, self._value, self._key, self._nest, self._noise, self._flow_style),
        ]

    def mutate(self, text: str, other: str) -> str:
        """Return an input made out of `text`, perhaps with parts of `other`."""
        for _ in range(self.chance.choice((1, 1, 1, 2, 3, 6))):
            text = self.chance.choice(self._changes)(text, other)
        if self.chance.random() < 0.004:
            return self._blow_up(text)[:LENGTH_MAX_BLOWN_UP]
        return text[:LENGTH_MAX]

    # -- pieces

    def _span(self, text: str, most: int = 6) -> tuple[list[str], int, int]:
        # Only some of a long text is cut into pieces; the rest stays whole.
        start = self.chance.randrange(max(1, len(text) - 2000))
        pieces = [text[:start], *_PIECE.findall(text[start : start + 2000]), text[start + 2000 :]]
        first = self.chance.randrange(1, max(2, len(pieces) - 1))
        return pieces, first, min(len(pieces) - 1, first + self.chance.randint(1, most))

    def _delete(self, text: str, _: str) -> str:
        pieces, first, last = self._span(text)
        return "".join(pieces[:first] + pieces[last:])

    def _double(self, text: str, _: str) -> str:
        pieces, first, last = self._span(text, 12)
        return "".join(pieces[:last] + pieces[first:last] * self.chance.choice((1, 1, 2, 5)) + pieces[last:])

    def _swap(self, text: str, _: str) -> str:
        pieces, first, _last = self._span(text)
        second = self.chance.randrange(1, max(2, len(pieces) - 1))
        if max(first, second) < len(pieces) - 1:
            pieces[first], pieces[second] = pieces[second], pieces[first]
        return "".join(pieces)

    def _splice(self, text: str, other: str) -> str:
        pieces, first, last = self._span(text)
        theirs, start, end = self._span(other, 20)
        end_of_ours = self.chance.choice((first, last))
        return "".join(pieces[:first] + theirs[start:end] + pieces[end_of_ours:])

    def _word(self) -> str:
        words = self.chance.choice((self.words, self.words, _MARKS, _VALUES))
        word: str = self.chance.choice(words)
        return word

    def _insert(self, text: str, _: str) -> str:
        pieces, first, _last = self._span(text)
        return "".join([*pieces[:first], self._word(), self.chance.choice(("", " ")), *pieces[first:]])

    def _replace(self, text: str, _: str) -> str:
        pieces, first, _last = self._span(text)
        return "".join([*pieces[:first], self._word(), *pieces[first + 1 :]])

    def _nest(self, text: str, _: str) -> str:
        pieces, first, last = self._span(text, 15)
        before, behind = self.chance.choice([("(", ")"), ("[", "]"), ("{a: ", "}"), ("{{ ", " }}"), ('"', '"')])
        times = self.chance.choice((1, 1, 2, 20))
        return "".join([*pieces[:first], before * times, *pieces[first:last], behind * times, *pieces[last:]])

    def _noise(self, text: str, _: str) -> str:
        data = bytearray(text.encode("utf-8", "surrogatepass"))
        for _times in range(self.chance.randint(1, 4)):
            at = self.chance.randrange(len(data) + 1)
            data[at : at + self.chance.randint(0, 2)] = self.chance.randbytes(self.chance.randint(0, 2))
        return data.decode("utf-8", "replace")

    def _blow_up(self, text: str) -> str:
        pieces, first, last = self._span(text, self.chance.choice((1, 3, 30)))
        part = "".join(pieces[first:last]) or self._word()
        if self.chance.random() < 0.4:
            lines = text.split("\n")
            start, end = self._block(lines)
            part = "\n".join(lines[start:end]) + "\n"
            times = LENGTH_MAX_BLOWN_UP // (len(part) + 1) // self.chance.choice((1, 3, 10))
            return "\n".join(lines[:start]) + "\n" + part * times + "\n".join(lines[end:])
        times = LENGTH_MAX_BLOWN_UP // (len(part) + 1) // self.chance.choice((1, 3, 10, 100, 1000))
        return "".join([*pieces[:first], part * times, *pieces[last:]])

    # -- lines

    def _block(self, lines: list[str]) -> tuple[int, int]:
        """Return a line and where those behind it end that are indented deeper."""
        start = self.chance.randrange(len(lines))
        depth = _indent_of(lines[start])
        end = start + 1
        while end < len(lines) and (not lines[end].strip() or _indent_of(lines[end]) > depth):
            end += 1
        return start, end

    def _delete_block(self, text: str, _: str) -> str:
        lines = text.split("\n")
        start, end = self._block(lines)
        return "\n".join(lines[:start] + lines[end:])

    def _double_block(self, text: str, _: str) -> str:
        lines = text.split("\n")
        start, end = self._block(lines)
        return "\n".join(lines[:end] + lines[start:end] + lines[end:])

    def _move_block(self, text: str, _: str) -> str:
        lines = text.split("\n")
        start, end = self._block(lines)
        block, rest = lines[start:end], lines[:start] + lines[end:]
        return self._put(rest, block) if rest else text

    def _splice_block(self, text: str, other: str) -> str:
        theirs = other.split("\n")
        start, end = self._block(theirs)
        return self._put(text.split("\n"), theirs[start:end])

    def _put(self, lines: list[str], block: list[str]) -> str:
        """Put a block before a line, as deep as that line stands."""
        at = self.chance.randrange(len(lines))
        shift = _indent_of(lines[at]) - _indent_of(block[0])
        moved = [" " * (_indent_of(line) + shift) + line.lstrip(" ") if line.strip() else line for line in block]
        return "\n".join(lines[:at] + moved + lines[at:])

    def _indent(self, text: str, _: str) -> str:
        lines = text.split("\n")
        start, end = self._block(lines)
        by = self.chance.choice((-2, -1, 1, 2, 4))
        for index in range(start, end):
            lines[index] = " " * max(0, _indent_of(lines[index]) + by) + lines[index].lstrip(" ")
        return "\n".join(lines)

    def _value(self, text: str, other: str) -> str:
        """Give a key another value: an odd one, a word, or that of a key in the other text."""
        lines = text.split("\n")
        at = self.chance.randrange(len(lines))
        key, colon, _old = lines[at].partition(": ")
        if not colon:
            key, colon, _old = lines[at].partition("- ")
        theirs = [line.partition(": ")[2] for line in other.split("\n") if ": " in line]
        value = self.chance.choice(self.chance.choice((_VALUES, self.words, theirs or _VALUES)))
        lines[at] = key + colon + value
        return "\n".join(lines)

    def _key(self, text: str, _: str) -> str:
        lines = text.split("\n")
        at = self.chance.randrange(len(lines))
        key, colon, value = lines[at].partition(":")
        if colon:
            lines[at] = key[: len(key) - len(key.lstrip(" -"))] + self.chance.choice(self.words) + colon + value
        return "\n".join(lines)

    def _flow_style(self, text: str, _: str) -> str:
        """Join a block's lines into one, in braces."""
        lines = text.split("\n")
        start, end = self._block(lines)
        head, inner = lines[start], [line for line in lines[start + 1 : end] if line.strip()]
        if not inner or not head.rstrip().endswith(":"):
            return text
        marks = "[]" if inner[0].lstrip().startswith("- ") else "{}"
        joined = ", ".join(line.strip().removeprefix("- ") for line in inner)
        return "\n".join([*lines[:start], f"{head} {marks[0]}{joined}{marks[1]}", *lines[end:]])


class EditMutator(Mutator):
    """Changes the flow, or asks for another edit of it."""

    def mutate(self, text: str, other: str) -> str:
        """Return an edit and a flow; most edits name a task that is there."""
        line, _, flow = text.partition("\n")
        if self.chance.random() < 0.6:
            flow = super().mutate(flow, other.partition("\n")[2])
        if self.chance.random() < 0.6 or read_edit(line) is None:
            line = json.dumps(self._edit(re.findall(r"\bid: *([^\s,}]+)", flow) or ["a"], flow))
        return f"{line}\n{flow}"

    def _edit(self, ids: list[str], flow: str) -> list[object]:
        name, other = self.chance.choice(ids), self.chance.choice(ids)
        match self.chance.randrange(6):
            case 0:
                return ["remove", name]
            case 1:
                return ["disable", name, self.chance.random() < 0.7]
            case 2:
                keys = re.findall(r"\b(\w{1,40}): ", flow) or ["message"]
                return ["set", name, self.chance.choice((self.chance.choice(keys), self._word())), self._json(2)]
            case 3:
                return ["flow", self.chance.choice(("description", "labels", "tasks", self._word())), self._json(2)]
            case 4:
                where: dict[str, str] = {"after": other}
                if self.chance.random() < 0.5:
                    branches = ("tasks", "errors", "finally", "then", "else", "cases.x", "onPause", self._word())
                    where = {"branch": self.chance.choice(branches)}
                if "branch" in where and self.chance.random() < 0.7:
                    where["parent"] = name
                return ["add", self._task(), where]
        return ["move", name, self.chance.choice(("after", "before")), other]

    def _task(self) -> str:
        task = "id: new\ntype: a.b\n" + self.chance.choice(
            ("", "# why\nmessage: x  # end\n", "script: |\n  a\n\n  b\n", "script: |+\n  a\n\n", "args: [a, {b: c}]\n")
        )
        return task if self.chance.random() < 0.7 else super().mutate(task, task)

    def _json(self, depth: int) -> object:
        if depth and self.chance.random() < 0.3:
            return [self._json(depth - 1) for _ in range(self.chance.randrange(3))]
        if depth and self.chance.random() < 0.3:
            return {self._word(): self._json(depth - 1) for _ in range(self.chance.randrange(3))}
        texts = (self._word(), self._word() + "\n" + self._word(), f"{self._word()} {self._word()}")
        return self.chance.choice((None, True, 0, -5, 1.5, 10**20, "", "two\nlines\n", " x ", *texts, *texts))


def _indent_of(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
