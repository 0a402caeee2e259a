"""One place of a YAML text changed, every other byte left as it was.

Owns writing there: items of lists and entries of maps, in block style or flow style. Each change is proved before it
is returned: the new text, read again, must hold exactly the wanted values.
"""

from __future__ import annotations

from typing import Any

from engine.flow.document import read_documents
from engine.flow.emit import emit_block, emit_inline, emit_item, emit_key
from engine.flow.places import EditError, Node, find, read_tree
from engine.flow.problems import Path


def remove_item(text: str, path: Path) -> str:
    """Return the text without the list item at `path`; a list that gets empty is written `[]`."""
    result = _without_item(text, read_tree(text), path)
    wanted = read_documents(text)[0].value
    del value_at(wanted, path[:-1])[int(path[-1])]
    return _proved(wanted, result)


def insert_item(text: str, path: Path, index: int, item: Any, written: str | None = None) -> str:
    """Return the text with a new item in the list at `path`.

    Args:
        text: The whole text.
        path: Place of the list.
        index: Where the item goes; the length of the list puts it last.
        item: Its value.
        written: Its text, without a dash and unindented, if it has one to be kept; must hold the same value.
    """
    results = _with_item(text, path, index, item, written)
    wanted = read_documents(text)[0].value
    value_at(wanted, path).insert(index, item)
    return _proved(wanted, *results)


def move_item(text: str, value: Any, start: Path, path: Path, index: int, item: Any, kept: Path | None) -> str:
    """Return the text with a list item taken out, and an item put into a list.

    A large text takes a while to read, so it is read no more often than this needs.

    Args:
        text: The whole text.
        value: What it holds; used up.
        start: Place of what is taken out.
        path: Place of the list that gets the item, once the other is out.
        index: Where in it the item goes.
        item: Its value.
        kept: The list item whose own text is that of `item`, None if there is none.
    """
    tree = read_tree(text)
    written = None if kept is None else _own_text(text, tree, kept)
    results = _with_item(_without_item(text, tree, start), path, index, item, written)
    del value_at(value, start[:-1])[int(start[-1])]
    value_at(value, path).insert(index, item)
    return _proved(value, *results)


def _without_item(text: str, tree: Node, path: Path) -> str:
    parent, index = find(tree, path[:-1]), int(path[-1])
    if parent.kind != "list" or not 0 <= index < len(parent.values):
        raise EditError("Expected an item of a list")
    if parent.flow_style:
        if index + 1 < len(parent.values):
            return text[: parent.values[index].start] + text[parent.values[index + 1].start :]
        return _without_last(text, parent)
    start, end = _item_lines(text, parent, index)
    head = text[:start]
    if len(parent.values) == 1:
        key = _after_key(parent)
        behind = key + len(text[key:start].split("\n", 1)[0].split("#", 1)[0].rstrip())
        head = f"{text[:behind]} []{text[behind:start]}"
    return head + text[end:]


def _with_item(text: str, path: Path, index: int, item: Any, written: str | None) -> list[str]:
    """Return texts of which one holds the new item; the first that does is the nicest."""
    parent = find(read_tree(text), path)
    if parent.kind != "list" or not 0 <= index <= len(parent.values):
        raise EditError("Expected a place in a list")
    if parent.flow_style and parent.values:
        behind = index == len(parent.values)
        at = parent.values[-1].end if behind else parent.values[index].start
        shown = f", {emit_inline(item)}" if behind else f"{emit_inline(item)}, "
        return [text[:at] + shown + text[at:]]
    if not parent.values:
        column = _column(text, _line_start(text, parent.start), first=True) + 2
        lines = "\n" + _item_text(item, written, column).rstrip("\n")
        # Inside of flow style there is no block style.
        in_braces = text[: parent.start] + emit_inline([item]) + text[parent.end :]
        return [text[: _after_key(parent)] + lines + text[parent.end :], in_braces]
    first, _ = _item_lines(text, parent, 0)
    column = _column(text, first)
    at = _item_lines(text, parent, index - 1)[1] if index else _above_comments(text, first, column)
    lines = _item_text(item, written, column)
    if at and text[at - 1] != "\n":
        lines = "\n" + lines.rstrip("\n")
    return [text[:at] + lines + text[at:]]


def set_entry(text: str, path: Path, key: str, value: Any, after: str | None = None) -> str:
    """Return the text with an entry of the map at `path` set.

    Args:
        text: The whole text.
        path: Place of the map.
        key: The entry, which may be new.
        value: A JSON value.
        after: Behind which entry a new one goes; behind the last if that isn't there.
    """
    parent = find(read_tree(text), path)
    if parent.kind != "map" or not parent.keys:
        raise EditError("Expected a map with entries")
    names = [node.name for node in parent.keys]

    wanted = read_documents(text)[0].value
    value_at(wanted, path)[key] = value
    if parent.flow_style:
        if key in names:
            old = parent.values[names.index(key)]
            result = text[: old.start] + emit_inline([value])[1:-1] + text[old.end :]
        else:
            at = parent.values[-1].end
            result = f"{text[:at]}, {emit_inline({key: value})[1:-1]}{text[at:]}"
        return _proved(wanted, result)
    if key in names:
        old, name = parent.values[names.index(key)], parent.keys[names.index(key)]
        start = _after_key(old) if old.kind in ("map", "list") and not old.flow_style else old.start
        column = name.start - _line_start(text, name.start)
        shown = emit_block(value, column)
        if start == old.start and text[start - 1 : start] == " ":
            shown = shown.removeprefix(" ")
        tail = _rest_of_line(text, old.end)
        if "\n" in shown and tail.strip():
            # A comment behind the old value would end up inside of the new one.
            head, _, body = shown.partition("\n")
            result = f"{text[:start]}{head}{tail}\n{body}{text[old.end + len(tail) :]}"
        else:
            result = text[:start] + shown + text[old.end :]
        return _proved(wanted, result)
    place = names.index(after) if after in names else len(names) - 1
    column = parent.keys[place].start - _line_start(text, parent.keys[place].start)
    at = _past_comments(text, _line_end(text, parent.values[place].end), column)
    line = f"{' ' * column}{emit_key(key)}:{emit_block(value, column)}\n"
    if at and text[at - 1] != "\n":
        line = "\n" + line.rstrip("\n")
    return _proved(wanted, text[:at] + line + text[at:])


def _own_text(text: str, tree: Node, path: Path) -> str | None:
    """Return a list item's own text without its dash and unindented; None if it stands in flow style."""
    parent, index = find(tree, path[:-1]), int(path[-1])
    if parent.flow_style:
        return None
    start, end = _item_lines(text, parent, index)
    first = parent.values[index].start - start
    lines = text[start:end].split("\n")
    if any(line[:first].strip() for line in lines[1:]):
        return None
    return "\n".join([lines[0][first:], *(line[first:] for line in lines[1:])])


def _without_last(text: str, parent: Node) -> str:
    """Return the text without the last item of a list in flow style; comments before and behind it stay."""
    item = parent.values[-1]
    behind = _past_comma(text, item.end)
    if len(parent.values) == 1:
        if not (text[parent.start + 1 : item.start] + text[behind : parent.end - 1]).strip():
            return f"{text[: parent.start]}[]{text[parent.end :]}"
        return text[: item.start] + text[behind:]
    before = parent.values[-2].end
    if "#" in text[before : item.start]:
        # The comma before the comment stays: a list may end with one.
        return text[: item.start] + text[behind:]
    return text[:before] + text[item.end :]


def _past_comma(text: str, at: int) -> int:
    """Return the place behind the comma that follows, `at` if none does."""
    found = at
    while text[found : found + 1].isspace():
        found += 1
    return found + 1 if text[found : found + 1] == "," else at


def _item_text(item: Any, written: str | None, column: int) -> str:
    pad = " " * column
    if written is None:
        return f"{pad}- {emit_item(item, column)}\n"
    first, *rest = written.rstrip("\n").split("\n")
    return "\n".join([f"{pad}- {first}", *(f"{pad}  {line}" if line.strip("\r") else line for line in rest)]) + "\n"


def _item_lines(text: str, parent: Node, index: int) -> tuple[int, int]:
    """Return where the lines of a block-style list item start and end."""
    node = parent.values[index]
    start = _line_start(text, node.start)
    while "-" not in text[start : node.start]:
        if start == 0:
            raise EditError("The item has no dash")
        start = _line_start(text, start - 1)
    if text[start : node.start].split("-", 1)[0].strip() or text[start : node.start].count("-") != 1:
        raise EditError("The item shares its line with something else")
    return start, _past_comments(text, _line_end(text, node.end), _column(text, start))


def _line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def _line_end(text: str, at: int) -> int:
    if at and text[at - 1] == "\n":
        return at
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _past_comments(text: str, at: int, column: int) -> int:
    """Return the place behind the comments from `at` on that are indented deeper than `column`.

    They belong to what stands before them; anything written in front of them might swallow them (a block scalar).
    """
    found = at
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        line = text[at:end].strip()
        if line and not (line.startswith("#") and _column(text, at) > column):
            break
        at = end
        found = end if line else found
    return found


def _above_comments(text: str, at: int, column: int) -> int:
    """Return the start of the comments that stand right above the line at `at`, in the same column."""
    while at:
        start = _line_start(text, at - 1)
        if not text[start:at].strip().startswith("#") or _column(text, start) != column:
            break
        at = start
    return at


def _rest_of_line(text: str, at: int) -> str:
    return text[at : _line_end(text, at)].rstrip("\n")


def _column(text: str, line: int, first: bool = False) -> int:
    """Return the column of the first character of a line, or of its first key if dashes come before."""
    found = line
    while found < len(text) and text[found] in (" -" if first else " "):
        found += 1
    return found - line


def _after_key(node: Node) -> int:
    """Return the place behind the colon of a value's key."""
    if not node.after_key:
        raise EditError("The list has no key")
    return node.after_key


def value_at(value: Any, path: Path) -> Any:
    """Return what stands at a path that is there."""
    for step in path:
        value = value[step]
    return value


def _proved(wanted: Any, *texts: str) -> str:
    """Return the first of the texts that holds exactly the wanted value."""
    for text in texts:
        found = read_documents(text)
        if len(found) == 1 and not found[0].problems and found[0].value == wanted:
            return text
    raise EditError("The text is laid out in a way that this change can't be made in safely")
