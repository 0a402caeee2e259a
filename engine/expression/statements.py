"""What generated code calls for tags: assignments, loops, macros, blocks, `raw`.

Owns scoping at run time: `set` changes the innermost scope that has the name, a loop has a scope of its own, a macro
sees its arguments and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.expression.errors import quoted
from engine.expression.printing import Entry, to_text
from engine.expression.state import Run


def raw(run: Run, position: int, text: str) -> str:
    """Return the content of a `raw` tag."""
    return run.raw(text)


def assign(run: Run, position: int, name: str, value: Any) -> None:
    """Set a name in the innermost scope that has it, else in the innermost scope."""
    run.charge(1)
    for frame in reversed(run.frames):
        if name in frame:
            frame[name] = value
            return
    if not run.frames:
        run.frames.append({})
    # A name of the scope's variables is covered, never changed: variables belong to the caller.
    (run.frames[0] if name in run.variables else run.frames[-1])[name] = value


def iterate(run: Run, position: int, name: str, values: Any) -> Iterator[Any]:
    """Yield once per element, with the element and `loop` in a scope of their own; a map gives its entries."""
    items: list[Any]
    if values is None:
        items = []
    elif isinstance(values, Mapping):
        run.fill(len(values))
        items = [Entry(key, values[key]) for key in values]
    elif isinstance(values, (list, tuple)):
        items = list(values)
    else:
        raise run.error(position, f"Expected a list or a map to loop over, but got {quoted(to_text(run, values))}")
    run.loop_was_empty = values is not None and not items
    if not items:
        return
    if not run.frames:
        run.frames.append({})
    frame: dict[str, Any] = {}
    run.frames.append(frame)
    length = len(items)
    for index, item in enumerate(items):
        run.charge(1)
        frame["loop"] = {
            "index": index,
            "length": length,
            "first": index == 0,
            "last": index == length - 1,
            "revindex": length - 1 - index,
        }
        frame[name] = item
        yield None
    run.frames.pop()
    run.loop_was_empty = False


def was_empty(run: Run, position: int) -> bool:
    """Return whether the loop that just ended had nothing to go over."""
    return run.loop_was_empty


def block(run: Run, position: int, name: str) -> str:
    """Return the text of a block, a filter's body or a macro's body by its internal name."""
    run.charge(6)
    run.enter()
    text = run.drain(run.template.blocks[name](run))
    run.leave()
    return text


def macro(run: Run, position: int, name: str, given: tuple[str, ...], *arguments: Any) -> str:
    """Return the text of a macro, which sees its arguments and nothing else."""
    run.charge(1)
    outer = run.frames, run.variables
    run.frames, run.variables = [dict(zip(given, arguments, strict=True))], {}
    text = block(run, position, name)
    run.frames, run.variables = outer
    return text


def default_argument(run: Run, position: int, name: Callable[[], Any], value: Callable[[], Any]) -> None:
    """Give a macro's parameter its default unless an argument came."""
    if name() not in run.frames[0]:
        run.frames[0][name()] = value()
