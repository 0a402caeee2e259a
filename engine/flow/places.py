"""Where each value of a YAML text starts and ends, to the character. Owns the tree of places; changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from engine.flow.document import MAX_DEPTH
from engine.flow.problems import Path
from engine.flow.yaml_events import YamlError, events, read_events


class EditError(ValueError):
    """The change can't be made in this text; the message says why."""


_NONE: list[Any] = []
"""Inside of every scalar and alias: most nodes are one of these, and a list each would cost more than all the rest."""


class Node(msgspec.Struct):
    """A value in the text; `end` is behind its last character."""

    kind: str
    """scalar, map, list or alias"""
    start: int
    end: int
    flow_style: bool = False
    keys: list[Node] = msgspec.field(default_factory=lambda: _NONE)
    values: list[Node] = msgspec.field(default_factory=lambda: _NONE)
    name: str = ""
    """Text of a scalar."""
    after_key: int = 0
    """Behind the colon of its key; 0 if it has none."""


def read_tree(text: str) -> Node:
    """Return the values of a text's only document with their places.

    Raises:
        EditError: If the text can't be read, or holds no or several documents.
    """
    offset = 1 if text.startswith("\ufeff") else 0
    try:
        return _Reader(read_events(text[offset:]), text, offset).only_document()
    except (YamlError, UnicodeEncodeError) as error:
        raise EditError(f"The text is no YAML: {error}") from None


class _Reader:
    def __init__(self, found: Iterator[Any], text: str, offset: int) -> None:
        self.next = found.__next__
        self.text = text
        self.offset = offset

    def only_document(self) -> Node:
        """Read everything."""
        self.next()
        if isinstance(self.next(), events.StreamEndEvent):
            raise EditError("Expected one document")
        root = self.node(self.next(), 0)
        self.next()
        if not isinstance(self.next(), events.StreamEndEvent):
            raise EditError("Expected one document")
        return root

    def node(self, event: Any, depth: int) -> Node:
        """Read the value that starts with this event."""
        start, end = event.start_mark.index + self.offset, event.end_mark.index + self.offset
        if isinstance(event, events.ScalarEvent):
            return Node("scalar", start, self._scalar_end(event, start, end), name=event.value)
        if isinstance(event, events.AliasEvent):
            return Node("alias", start, end)
        if depth >= MAX_DEPTH:
            raise EditError("The text is nested too deeply")
        is_list = isinstance(event, events.SequenceStartEvent)
        node = Node("list" if is_list else "map", start, end, bool(event.flow_style), keys=[], values=[])
        closing = events.SequenceEndEvent if is_list else events.MappingEndEvent
        while not isinstance(event := self.next(), closing):
            if is_list:
                node.values.append(self.node(event, depth + 1))
                continue
            key = self.node(event, depth + 1)
            value = self.node(self.next(), depth + 1)
            value.after_key = self.text.find(":", key.end) + 1
            node.keys.append(key)
            node.values.append(value)
        if node.flow_style:
            node.end = event.end_mark.index + self.offset
        elif node.values:
            node.end = node.values[-1].end
        return node

    def _scalar_end(self, event: Any, start: int, end: int) -> int:
        """A block scalar reaches to its last line that isn't blank, unless it keeps the blank ones on purpose."""
        if event.style not in ("|", ">"):
            return end
        header = self.text[start : self.text.find("\n", start)].split("#")[0]
        return end if "+" in header else start + len(self.text[start:end].rstrip())


def find(root: Node, path: Path) -> Node:
    """Return the node at a path.

    Raises:
        EditError: If there is none, or it stands elsewhere because of an alias.
    """
    node = _reachable(root)
    for step in path:
        if isinstance(step, int) and node.kind == "list" and step < len(node.values):
            node = _reachable(node.values[step])
        elif isinstance(step, str) and node.kind == "map" and any(key.name == step for key in node.keys):
            node = _reachable(node.values[[key.name for key in node.keys].index(step)])
        else:
            raise EditError(f"There is no '{step}' in the text at {'.'.join(map(str, path))}")
    return node


def _reachable(node: Node) -> Node:
    if node.kind == "alias":
        raise EditError("The place is written elsewhere in the text (an alias stands here)")
    return node
