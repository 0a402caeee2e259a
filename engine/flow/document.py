"""YAML text to plain JSON values that remember where they stand.

Owns the bounds on what is read at all (size, depth, nodes, aliases), the refusal of duplicate keys and the merge keys.
It knows YAML, not flows. The values are made here from what `yaml_events.py` reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from engine.flow.problems import Path, Problem
from engine.flow.scalars import resolve_plain
from engine.flow.syntax_hints import syntax_problem
from engine.flow.yaml_events import YamlError, events, read_events

MAX_SIZE = 512 * 1024
"""Bytes; a flow above it can't be a record on the log."""
MAX_DEPTH = 60
MAX_NODES = 50_000
"""Counted after the expansion of aliases, so that a few of them can't explode."""
MAX_ALIASES = 100
MAX_DOCUMENTS = 1000
"""Each has problems of its own; what a person uploads at once has far fewer."""

_MOST_INDENTED = 200
"""Characters before a line of a text in which it is looked for."""

_TAGS = {"str": str, "int": int, "float": float, "bool": bool, "null": None, "map": dict, "seq": list}
_WORD = re.compile(r"[-+.\w]+")
_CORE = "tag:yaml.org,2002:"

Mark = Any
"""A place in the text as the reader gives it: `line` and `column` from 0, `index` in characters."""


class Document:
    """The values of one YAML document and their places.

    Attributes:
        value: dict, list, str, int, float, bool or None. Values reached by an alias are the same object: never change
            them.
        problems: What was wrong with the YAML itself.
    """

    def __init__(
        self, value: Any, marks: dict[int, dict[Any, tuple[Mark, Mark]]], problems: list[Problem], text: str = ""
    ) -> None:
        self.value = value
        self._text = text
        self.problems = problems
        self._marks = marks

    def position(self, path: Path, of_key: bool = False) -> tuple[int, int]:
        """Return line and column (from 1) of what stands at `path`, or of its nearest parent that is in the text.

        That of a scalar is its own, unless `of_key` asks for its key's; that of a map or list in a map is its key's.
        """
        value, found = self.value, (1, 1)
        for step in path:
            places = self._marks.get(id(value))
            if places is None or step not in places:
                break
            key, start = places[step]
            value = value[step]
            mark = key if of_key or isinstance(value, (dict, list)) or value is None else start
            found = (mark.line + 1, mark.column + 1)
        return found

    def position_within(self, path: Path, offset: int) -> tuple[int, int]:
        """Return line and column (from 1) of a character of the text at `path`, or of the text if that isn't clear.

        The line of the value is looked for in what was written, so it is found where YAML neither joins nor escapes.
        """
        value = self.value
        for step in path:
            places, outer = self._marks.get(id(value), {}), value
            if step not in places:
                return self.position(path)
            value = outer[step]
        if not path or not isinstance(value, str):
            return self.position(path)
        start = places[path[-1]][1].index
        first = value.rfind("\n", 0, offset) + 1
        line = value[first:].partition("\n")[0]
        found = self._text.find(line, start, start + 2 * len(value) + _MOST_INDENTED * (value.count("\n") + 2))
        if found < 0:
            return self.position(path)
        at = found + offset - first
        return self._text.count("\n", 0, at) + 1, at - self._text.rfind("\n", 0, at)

    def written(self, path: Path) -> str | None:
        """Return the unquoted word that stands at `path`, None if none does: `3.10` where the value is 3.1."""
        value = self.value
        for step in path[:-1]:
            places = self._marks.get(id(value))
            if places is None or step not in places:
                return None
            value = value[step]
        places = self._marks.get(id(value), {})
        if not path or path[-1] not in places:
            return None
        found = _WORD.match(self._text, places[path[-1]][1].index)
        return found[0] if found else None


class _Refused(Exception):
    """The document can't be read any further."""

    def __init__(self, rule: str, message: str, mark: Mark, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem("error", rule, message, mark.line + 1, mark.column + 1, "", hint)


class _Composer:
    """Makes values out of events; one for a whole text, reset by each document."""

    def __init__(self, source: Iterator[Any]) -> None:
        self.next = source.__next__
        self.reset()

    def reset(self) -> None:
        self.marks: dict[int, dict[Any, tuple[Mark, Mark]]] = {}
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.nodes = 0
        self.aliases = 0
        self.keep: list[Any] = []

    def compose(self, event: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _Refused(
                "yaml-size", f"Expected at most {MAX_NODES} values, but the document has more", event.start_mark
            )
        kind = type(event)
        if kind is events.ScalarEvent:
            value = self._scalar(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = (value, 1)
            return value
        if kind is events.AliasEvent:
            return self._alias(event)
        if depth >= MAX_DEPTH:
            raise _Refused(
                "yaml-depth", f"Expected at most {MAX_DEPTH} levels of nesting, but there are more", event.start_mark
            )
        before = self.nodes
        value = self._map(event, depth) if kind is events.MappingStartEvent else self._list(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.nodes - before + 1)
        return value

    def _map(self, event: Any, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        places: dict[Any, tuple[Mark, Mark]] = {}
        merges: list[tuple[Any, Mark]] = []
        get, compose = self.next, self.compose
        while type(key := get()) is not events.MappingEndEvent:
            mark = key.start_mark
            if type(key) is not events.ScalarEvent:
                hint = (
                    'An expression at the start of a value must be quoted: "{{ … }}"' if key.start_mark.column else ""
                )
                raise _Refused("yaml-key", "Expected a text as key, but found a list, a map or an alias", mark, hint)
            name = key.value
            following = get()
            value = compose(following, depth + 1)
            if name == "<<" and key.implicit[0]:
                merges.append((value, mark))
            elif name in result:
                first = places[name][0].line + 1
                self._problem("duplicate-key", f"Duplicate field '{name}'", mark, f"It is set in line {first} already")
            else:
                result[name] = value
                places[name] = (mark, following.start_mark)
        for value, mark in merges:
            self._merge(result, places, value, mark)
        self.marks[id(result)] = places
        self.keep.append(result)
        return result

    def _list(self, event: Any, depth: int) -> list[Any]:
        result: list[Any] = []
        places: dict[Any, tuple[Mark, Mark]] = {}
        get, compose = self.next, self.compose
        while type(item := get()) is not events.SequenceEndEvent:
            places[len(result)] = (item.start_mark, item.start_mark)
            result.append(compose(item, depth + 1))
        self.marks[id(result)] = places
        self.keep.append(result)
        return result

    def _merge(self, result: dict[str, Any], places: dict[Any, tuple[Mark, Mark]], value: Any, mark: Mark) -> None:
        for part in value if isinstance(value, list) else [value]:
            if not isinstance(part, dict):
                self._problem(
                    "yaml-merge", "Expected a map or a list of maps after '<<', but found something else", mark
                )
                continue
            for name, inner in part.items():
                if name not in result:
                    result[name] = inner
                    places[name] = self.marks[id(part)].get(name, (mark, mark))

    def _scalar(self, event: Any) -> Any:
        text = event.value
        if event.implicit[0]:
            return resolve_plain(text)
        tag = event.tag
        if tag is None or tag == "!" or event.implicit[1]:
            return text
        name = tag.removeprefix(_CORE)
        if name not in _TAGS or name in ("map", "seq"):
            self._problem("yaml-tag", f"Expected no tag, but found '{tag}'", event.start_mark, "Write the value itself")
            return text
        value = resolve_plain(text)
        wanted = _TAGS[name]
        return text if wanted is str else value

    def _alias(self, event: Any) -> Any:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise _Refused(
                "yaml-aliases", f"Expected at most {MAX_ALIASES} aliases, but there are more", event.start_mark
            )
        if event.anchor not in self.anchors:
            raise _Refused(
                "yaml-alias",
                f"Expected an anchor '&{event.anchor}' before this alias, but there is none",
                event.start_mark,
            )
        value, size = self.anchors[event.anchor]
        self.nodes += size
        return value

    def _problem(self, rule: str, message: str, mark: Mark, hint: str = "") -> None:
        self.problems.append(Problem("error", rule, message, mark.line + 1, mark.column + 1, "", hint))


def read_documents(text: str) -> list[Document]:
    """Return the documents of a YAML text, one for each `---` part that isn't empty; an unreadable one ends the list.

    A text that holds no document at all gives one document of value None.
    """
    try:
        size = len(text) if len(text) > MAX_SIZE else len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        return [Document(None, {}, [Problem("error", "yaml-syntax", "The text holds half of a character", line, 1)])]
    if size > MAX_SIZE:
        message = f"Expected at most {MAX_SIZE // 1024} kB of text, but found {size // 1024} kB"
        return [Document(None, {}, [Problem("error", "yaml-size", message, 1, 1)])]
    found: list[Document] = []
    composer: _Composer | None = None
    try:
        text = text.removeprefix("\ufeff")
        composer = _Composer(read_events(text))
        while type(event := composer.next()) is not events.StreamEndEvent:
            if type(event) is events.DocumentStartEvent:
                composer.reset()
                if len(found) == MAX_DOCUMENTS:
                    message = f"Expected at most {MAX_DOCUMENTS} documents, but there are more"
                    raise _Refused("yaml-documents", message, event.start_mark)
                value = composer.compose(composer.next(), 0)
                if value is not None or composer.problems:
                    found.append(Document(value, composer.marks, composer.problems, text))
    except _Refused as refused:
        found.append(_broken(composer, refused.problem))
    except YamlError as error:
        found.append(_broken(composer, syntax_problem(error, text)))
    return found or [Document(None, {}, [])]


def _broken(composer: _Composer | None, problem: Problem) -> Document:
    return Document(None, {}, [*(composer.problems if composer else []), problem])
