"""The one place where names from flows and scripts become paths.

Owns the rules of what a path may be: whoever opens a file whose name he didn't make himself asks here.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from urllib.parse import quote, unquote

from worker.storage.port import StorageError

SCHEME = "kestra://"
PATH_BYTES_MAX = 2048
SEGMENT_BYTES_MAX = 255
"""What file systems take."""


def checked(path: str) -> str:
    """Return a relative path if it is one that can't lead anywhere else; a leading `./` is taken away.

    Raises:
        StorageError: If it is empty, absolute, too long, not in Unicode's composed form (two spellings of one name), or
            holds `..`, empty parts, backslashes or control characters.
    """
    while path.startswith("./"):
        path = path[2:]
    problem = _problem(path)
    if problem:
        raise StorageError(f"Expected a path relative to its folder, but {path[:200]!r} {problem}")
    return path


def _problem(path: str) -> str | None:
    if not path:
        return "is empty"
    if path.startswith("/"):
        return "is absolute"
    if "\\" in path:
        return "has a backslash"
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in path):
        return "has control characters"
    if not unicodedata.is_normalized("NFC", path):
        return "isn't in the composed form (NFC)"
    parts = path.split("/")
    if any(part in ("", ".", "..") for part in parts):
        return "has a part that is empty, '.' or '..'"
    if len(path.encode()) > PATH_BYTES_MAX or any(len(part.encode()) > SEGMENT_BYTES_MAX for part in parts):
        return "is too long"
    return None


def inside(base: Path, path: str) -> Path:
    """Return a path below `base`, whether or not it exists; links on the way must stay inside.

    Args:
        base: An absolute folder without links in its own path (`Path.resolve`).
        path: Relative; see `checked`.

    Raises:
        StorageError: If the path isn't allowed, or a link leads out.
    """
    target = base / checked(path)
    real = Path(os.path.realpath(target))
    if real != base and base not in real.parents:
        raise StorageError(f"Expected a path that stays in its folder, but {path[:200]!r} leads out of it")
    return target


def uri_of(path: str) -> str:
    """Return the URI of a stored path.

    Example:
        >>> uri_of("a/b c.txt")
        'kestra:///a/b%20c.txt'
    """
    return f"{SCHEME}/{quote(checked(path))}"


def path_of(uri: str) -> str:
    """Return the stored path of a URI.

    Raises:
        StorageError: If it isn't such a URI, or its path isn't allowed.
    """
    if not uri.startswith(f"{SCHEME}/"):
        raise StorageError(f"Expected a URI that begins with {SCHEME}/, but got {uri[:200]!r}")
    try:
        return checked(unquote(uri[len(SCHEME) + 1 :], errors="strict"))
    except UnicodeDecodeError:
        raise StorageError(f"Expected UTF-8 in the URI {uri[:200]!r}") from None
