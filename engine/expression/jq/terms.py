"""jq's terms: paths, literals, maps, calls, `if`, `try`, `reduce`; everything that no operator takes apart.

`parser.py` joins terms with operators.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from engine.expression.errors import Failure
from engine.expression.jq import syntax as s
from engine.expression.jq.cursor import Cursor
from engine.expression.jq.lexer import Token

IDENTITY = s.Identity()


class TermParser(Cursor, ABC):
    """Reads terms."""

    @abstractmethod
    def pipe(self) -> s.Node:
        """Read a whole pipeline, definitions and bindings included."""

    @abstractmethod
    def value(self) -> s.Node:
        """Read anything up to a comma."""

    @abstractmethod
    def within(self, part: tuple[Token, ...]) -> s.Node:
        """Read the tokens of an interpolation."""

    def suffixes(self, node: s.Node) -> s.Node:
        """Read `.name`, `[…]` and `?` behind a term."""
        count = 0
        while True:
            count += 1
            if count > 100:
                raise Failure("a jq path of more than 100 parts")
            if self.is_at("field"):
                node = s.Index(node, s.Text((self.next().value,), None))
            elif self.symbol("."):
                following = self.stream[self.at + 1]
                if following.kind == "text":
                    self.next()
                    node = s.Index(node, self._text(None))
                elif following == ("symbol", "[", ()):
                    self.next()
                    node = self._bracket(node)
                else:
                    self.fail()
            elif self.symbol("["):
                node = self._bracket(node)
            elif self.accept("symbol", "?"):
                node = s.Try(node, None)
            else:
                return node

    def _bracket(self, target: s.Node) -> s.Node:
        self.expect("symbol", "[")
        if self.accept("symbol", "]"):
            return s.Iterate(target)
        if self.accept("symbol", ":"):
            end = self.pipe()
            self.expect("symbol", "]")
            return s.Slice(target, None, end)
        key = self.pipe()
        if self.accept("symbol", ":"):
            last = None if self.symbol("]") else self.pipe()
            self.expect("symbol", "]")
            return s.Slice(target, key, last)
        self.expect("symbol", "]")
        return s.Index(target, key)

    def term(self) -> s.Node:
        """Read one term."""
        token = self.stream[self.at]
        match token.kind, token.value:
            case "number", text:
                self.next()
                return s.Literal(_number(text))
            case "text", _:
                return self._text(None)
            case "format", name:
                self.next()
                return self._text(name) if self.is_at("text") else s.Format(name)
            case "field", name:
                self.next()
                return s.Index(IDENTITY, s.Text((name,), None))
            case "symbol", ".":
                self.next()
                return s.Index(IDENTITY, self._text(None)) if self.is_at("text") else IDENTITY
            case "symbol", "..":
                self.next()
                return s.Call("recurse", ())
            case "symbol", "(":
                self.next()
                inner = self.pipe()
                self.expect("symbol", ")")
                return inner
            case "symbol", "[":
                self.next()
                body = None if self.symbol("]") else self.pipe()
                self.expect("symbol", "]")
                return s.ListOf(body)
            case "symbol", "{":
                self.next()
                return self._map()
            case "symbol", "$":
                self.next()
                return s.Variable(self.next().value)
            case "keyword", "if":
                self.next()
                return self._if()
            case "keyword", "try":
                self.next()
                body = self.suffixes(self.term())
                handler = self.suffixes(self.term()) if self.accept("keyword", "catch") else None
                return s.Try(body, handler)
            case "keyword", "break":
                self.next()
                self.expect("symbol", "$")
                return s.Break(self.next().value)
            case "keyword", ("reduce" | "foreach" as name):
                self.next()
                return self._reduce() if name == "reduce" else self._foreach()
            case "name", name:
                self.next()
                return self._call(name)
        self.fail()

    def _text(self, format_: str | None) -> s.Node:
        token = self.next()
        parts: list[str | s.Node] = []
        for part in token.parts:
            if isinstance(part, str):
                parts.append(part)
            else:
                parts.append(self.within(part))
        return s.Text(tuple(parts), format_)

    def _if(self) -> s.Node:
        condition = self.pipe()
        self.expect("keyword", "then")
        yes = self.pipe()
        if self.accept("keyword", "elif"):
            self.deeper()
            no = self._if()
            self.depth -= 1
            return s.If(condition, yes, no)
        no = self.pipe() if self.accept("keyword", "else") else IDENTITY
        self.expect("keyword", "end")
        return s.If(condition, yes, no)

    def _call(self, name: str) -> s.Node:
        if name in ("true", "false", "null"):
            return s.Literal({"true": True, "false": False, "null": None}[name])
        arguments: list[s.Node] = []
        if self.accept("symbol", "("):
            while True:
                arguments.append(self.pipe())
                if self.accept("symbol", ")"):
                    break
                self.expect("symbol", ";")
        return s.Call(name, tuple(arguments))

    def _source_and_pattern(self) -> tuple[s.Node, s.Pattern]:
        source = self.suffixes(self.term())
        self.expect("keyword", "as")
        return source, self.pattern()

    def _reduce(self) -> s.Node:
        source, pattern = self._source_and_pattern()
        self.expect("symbol", "(")
        start = self.pipe()
        self.expect("symbol", ";")
        update = self.pipe()
        self.expect("symbol", ")")
        return s.Reduce(source, pattern, start, update)

    def _foreach(self) -> s.Node:
        source, pattern = self._source_and_pattern()
        self.expect("symbol", "(")
        start = self.pipe()
        self.expect("symbol", ";")
        update = self.pipe()
        extract: s.Node = self.pipe() if self.accept("symbol", ";") else IDENTITY
        self.expect("symbol", ")")
        return s.Foreach(source, pattern, start, update, extract)

    def pattern(self) -> s.Pattern:
        """Read the left side of a binding."""
        self.deeper()
        try:
            if self.accept("symbol", "$"):
                return self.next().value
            if self.accept("symbol", "["):
                items = [self.pattern()]
                while self.accept("symbol", ","):
                    items.append(self.pattern())
                self.expect("symbol", "]")
                return s.ListPattern(tuple(items))
            self.expect("symbol", "{")
            entries = [self._pattern_entry()]
            while self.accept("symbol", ","):
                entries.append(self._pattern_entry())
            self.expect("symbol", "}")
            return s.MapPattern(tuple(entries))
        finally:
            self.depth -= 1

    def _pattern_entry(self) -> tuple[s.Node, str | None, s.Pattern | None]:
        name: str | None = None
        if self.accept("symbol", "$"):
            name = self.next().value
            key: s.Node = s.Text((name,), None)
        else:
            key = self._key()
        return key, name, self.pattern() if self.accept("symbol", ":") else None

    def _key(self) -> s.Node:
        if self.is_at("text"):
            return self._text(None)
        if self.accept("symbol", "("):
            key = self.pipe()
            self.expect("symbol", ")")
            return key
        if self.is_at("name") or self.is_at("keyword"):
            return s.Text((self.next().value,), None)
        self.fail()

    def _map(self) -> s.Node:
        entries: list[tuple[s.Node, s.Node]] = []
        while not self.accept("symbol", "}"):
            entries.append(self._map_entry())
            if not self.symbol("}"):
                self.expect("symbol", ",")
        return s.MapOf(tuple(entries))

    def _map_entry(self) -> tuple[s.Node, s.Node]:
        if self.accept("symbol", "$"):
            name = self.next().value
            return s.Text((name,), None), s.Variable(name)
        if self.is_at("format"):
            name = self.next().value
            key: s.Node = self._text(name) if self.is_at("text") else s.Format(name)
        elif self.is_at("number"):
            self.fail()
        else:
            key = self._key()
        if not self.accept("symbol", ":"):
            return key, s.Index(IDENTITY, key)
        value = self.value()
        while self.accept("symbol", "|"):
            value = s.Pipe(value, self.value())
        return key, value


def _number(text: str) -> int | float:
    if len(text) > 300:
        raise Failure("jq: a number of more than 300 digits")
    try:
        return int(text) if text.isdigit() and len(text) < 19 else float(text)
    except ValueError:
        raise Failure(f"jq: '{text}' is no number") from None
