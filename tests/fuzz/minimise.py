"""The smallest input that still fails in the same way: parts are left out for as long as it does."""

from __future__ import annotations

from collections.abc import Callable


def minimised(text: str, still_fails: Callable[[str], bool], attempts: int = 400) -> str:
    """Return a part of `text` that fails too.

    Args:
        text: An input that fails.
        still_fails: Whether another one does.
        attempts: How often that may be asked.
    """
    for split in (_lines, list):
        parts = split(text)
        size = max(1, len(parts) // 2)
        while attempts > 0:
            at = 0
            while at < len(parts) and attempts > 0:
                fewer = parts[:at] + parts[at + size :]
                attempts -= 1
                if still_fails("".join(fewer)):
                    parts = fewer
                else:
                    at += size
            if size == 1:
                break
            size = max(1, size // 2)
        text = "".join(parts)
    return text


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)
