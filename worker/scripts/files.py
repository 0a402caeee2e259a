"""Files of a script: what is laid into its folder before it runs, what is kept of it afterwards.

Owns `inputFiles`, `outputFiles`, `outputDirectory`, and stored files named in commands. Every name is checked: it comes
from a flow or from a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

import msgspec

from worker.context import RunContext, TaskFailed
from worker.scripts.globs import matcher_of
from worker.storage.beneath import Found, create, walk
from worker.storage.paths import SCHEME
from worker.storage.port import StorageError

STORED = re.compile(r"kestra:///[\w.%~+@=,/-]+")
"""A stored file in a command; a full stop at the end of a sentence belongs to the sentence."""
NAMESPACE_SCHEME = "nsfile://"
OUTPUT_FILES_MAX = 1_000
OUTPUT_BYTES_MAX = 1 << 30
"""What one attempt may keep in all."""
SEEN_MAX = 100_000
"""How many files of a folder are looked at."""


def lay_in(context: RunContext, files: Mapping[str, Any], what: str = "inputFiles") -> None:
    """Write `inputFiles` into the working directory; a file that is there is replaced.

    Args:
        context: The attempt.
        files: Contents by path.
        what: The property's name.

    Raises:
        TaskFailed: If a name isn't allowed or a source isn't supported.
    """
    folder = context.folder
    for name, content in files.items():
        if content is None:
            continue
        try:
            with create(folder.work, name, folder.user) as target:
                _lay(context, content, name, target)
        except StorageError as error:
            raise TaskFailed(f"{what}: {error}") from error


def _lay(context: RunContext, content: Any, name: str, target: BinaryIO) -> None:
    if not isinstance(content, str):
        target.write(msgspec.json.encode(content))
    elif content.startswith(f"{SCHEME}/"):
        context.files.copy(content, target)
    elif content.startswith(f"{NAMESPACE_SCHEME}/"):
        path = unquote(content.removeprefix(f"{NAMESPACE_SCHEME}/"))
        context.files.copy(context.files.uri_in_namespace(path), target)
    elif content.startswith(("file://", NAMESPACE_SCHEME)):
        raise StorageError(
            f"{name} comes from {content[:200]}, but only stored files ({SCHEME}/…), files of the flow's namespace "
            f"({NAMESPACE_SCHEME}/…) and texts can"
        )
    else:
        target.write(content.encode("utf-8", "surrogateescape"))


def localise(context: RunContext, text: str) -> str:
    """Return a command in which stored files are replaced by local copies.

    Raises:
        TaskFailed: If one can't be read.
    """
    if f"{SCHEME}/" not in text:
        return text

    def local(found: re.Match[str]) -> str:
        uri = found[0].rstrip(".,")
        name = re.sub(r"[^\w.-]", "_", uri.rpartition("/")[2])[-100:]
        at = context.folder.root / "stored"
        at.mkdir(mode=0o700, exist_ok=True)
        target = at / f"{len(list(at.iterdir()))}-{name}"
        try:
            context.files.fetch(uri, target)
        except StorageError as error:
            raise TaskFailed(str(error)) from error
        context.folder.give(at, target)
        return str(target) + found[0][len(uri) :]

    return STORED.sub(local, text)


def keep(context: RunContext, base: Path, patterns: Sequence[str], what: str = "outputFiles") -> dict[str, str]:
    """Store the files below `base` that a pattern matches; return their URIs by relative path.

    Links aren't followed and nothing but files is kept: a script mustn't hand out what it can only name.

    Args:
        context: The attempt.
        base: Where the patterns begin.
        patterns: See `worker.scripts.globs`.
        what: The property's name.

    Raises:
        TaskFailed: If they are too many or too large.
        StorageError: If the storage refuses one.
    """
    kept: dict[str, str] = {}
    size = 0
    for found in matching(context, base, patterns, what):
        size += found.stat.st_size
        if len(kept) >= OUTPUT_FILES_MAX or size > OUTPUT_BYTES_MAX:
            raise TaskFailed(f"{what}: more than {OUTPUT_FILES_MAX} files or {OUTPUT_BYTES_MAX >> 20} MiB")
        with found.open() as source:
            kept[found.path] = context.files.put(found.path, source)
    return kept


def matching(context: RunContext, base: Path, patterns: Sequence[str], what: str) -> Iterator[Found]:
    """Yield the plain files below `base` that a pattern matches; say of others that they are left out.

    Raises:
        TaskFailed: If the folder holds too many files.
    """
    if not patterns:
        return
    matchers = [matcher_of(pattern, what) for pattern in patterns]
    for seen, found in enumerate(walk(base)):
        if seen >= SEEN_MAX:
            raise TaskFailed(f"{what}: the folder holds more than {SEEN_MAX} files")
        if not any(matches(found.path) for matches in matchers):
            continue
        if found.plain:
            yield found
        else:
            context.log.line("WARN", f"{what}: {found.path} isn't a plain file and is left out")
