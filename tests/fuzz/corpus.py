"""The inputs that are kept: a file each, in a folder for each target.

`seed-` was written by hand, `found-` once broke something, `reach-` reaches what the others don't.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

FOLDER = Path(__file__).with_name("corpus")
REACHING_MAX = 70
"""How many `reach-` files a target keeps."""
LENGTH_MAX = 3000
"""Characters of an input that is kept by itself."""

FOUND_MAX = 20_000
"""Characters of an input that is kept because it broke something."""


def inputs(folder: Path) -> dict[str, str]:
    """Return the inputs of a folder by the names of their files."""
    return {path.name: read(path) for path in sorted(folder.glob("*.txt"))}


def read(path: Path) -> str:
    """Return the input in a file, to the character."""
    return path.read_bytes().decode("utf-8", "surrogatepass")


def keep(folder: Path, kind: str, text: str) -> Path:
    """Write an input to a file named after what it holds."""
    data = text.encode("utf-8", "surrogatepass")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{kind}-{hashlib.sha256(data).hexdigest()[:10]}.txt"
    path.write_bytes(data)
    return path
