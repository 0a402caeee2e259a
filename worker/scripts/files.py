"""Files of a script: what is laid into its folder before it runs, what is kept of it afterwards.

Owns `inputFiles`, `outputFiles`, `outputDirectory`, and stored files named in commands. Every name is checked: it comes
from a flow or from a script.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from worker.context import RunContext, TaskFailed
from worker.scripts.globs import matcher_of
from worker.storage.paths import SCHEME, inside
from worker.storage.port import StorageError

STORED = re.compile(r"kestra:///[\w.%~+@=,/-]+")
"""A stored file in a command; a full stop at the end of a sentence belongs to the sentence."""
OUTPUT_FILES_MAX = 1_000
OUTPUT_BYTES_MAX = 1 << 30
"""What one attempt may keep in all."""
SEEN_MAX = 100_000
"""How many files of a folder are looked at."""


def lay_in(context: RunContext, files: Mapping[str, Any]) -> None:
    """Write `inputFiles` into the working directory.

    Raises:
        TaskFailed: If a name isn't allowed or a source isn't supported.
    """
    folder = context.folder
    for name, content in files.items():
        if content is None:
            continue
        try:
            target = inside(folder.work, name)
            made = [parent for parent in target.parents if folder.work in parent.parents and not parent.exists()]
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _lay(context, content, target)
            folder.give(target, *made)
        except StorageError as error:
            raise TaskFailed(f"inputFiles: {error}") from error


def _lay(context: RunContext, content: Any, target: Path) -> None:
    if isinstance(content, str):
        if content.startswith(f"{SCHEME}/"):
            context.files.fetch(content, target)
            return
        if content.startswith(("file://", "nsfile://")):
            scheme = content.partition(":")[0]
            raise StorageError(
                f"{target.name} comes from {scheme}://, but only stored files ({SCHEME}/…) and texts can"
            )
        data = content.encode("utf-8", "surrogateescape")
    else:
        data = msgspec.json.encode(content)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


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


def keep(context: RunContext, base: Path, patterns: Sequence[str]) -> dict[str, str]:
    """Store the files below `base` that a pattern matches; return their URIs by relative path.

    Links aren't followed and nothing but files is kept: a script mustn't hand out what it can only name.

    Raises:
        TaskFailed: If they are too many or too large.
        StorageError: If the storage refuses one.
    """
    if not patterns:
        return {}
    matchers = [matcher_of(pattern) for pattern in patterns]
    kept: dict[str, str] = {}
    seen = size = 0
    for folder, folders, names in os.walk(base):
        folders.sort()
        for name in sorted(names):
            seen += 1
            if seen > SEEN_MAX:
                raise TaskFailed(f"outputFiles: the folder holds more than {SEEN_MAX} files")
            path = os.path.join(folder, name)
            shown = os.path.relpath(path, base).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            if not any(matches(shown) for matches in matchers):
                continue
            if not stat.S_ISREG(os.lstat(path).st_mode):
                context.log.line("WARN", f"outputFiles: {shown} isn't a plain file and is left out")
                continue
            size += os.lstat(path).st_size
            if len(kept) >= OUTPUT_FILES_MAX or size > OUTPUT_BYTES_MAX:
                raise TaskFailed(f"outputFiles: more than {OUTPUT_FILES_MAX} files or {OUTPUT_BYTES_MAX >> 20} MiB")
            with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as source:
                kept[shown] = context.files.put(name, source)
    return kept
