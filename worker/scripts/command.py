"""The command line of a script task.

Owns how commands become one text for the interpreter, and the limits of the system on it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from worker.context import TaskFailed
from worker.runners.folders import AttemptFolder
from worker.storage.beneath import create

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh"})
FAIL_FAST = "set -e"
ARGUMENT_BYTES_MAX = 100_000
"""Linux takes at most 128 KiB in one argument; a longer text goes to the shell as a file."""


def command_line(
    interpreter: Sequence[str], lines: Sequence[str], *, fail_fast: bool, folder: AttemptFolder
) -> list[str]:
    """Return program and arguments.

    Args:
        interpreter: Gets the text as its last argument.
        lines: Commands in their order.
        fail_fast: Stop at the first command that fails. Only shells know how.
        folder: Takes a text that is too long for an argument.

    Raises:
        TaskFailed: If that can't be run.
    """
    if not interpreter:
        raise TaskFailed("interpreter: expected at least the name of a program")
    shell = os.path.basename(interpreter[0]) in SHELLS
    text = "\n".join([FAIL_FAST, *lines] if fail_fast and shell else lines)
    if "\0" in text:
        raise TaskFailed("commands: a NUL character can't be given to a program")
    if len(text.encode("utf-8", "surrogateescape")) <= ARGUMENT_BYTES_MAX:
        return [*interpreter, text]
    if not shell or interpreter[-1] != "-c":
        raise TaskFailed(f"The commands are longer than {ARGUMENT_BYTES_MAX} bytes; write them to a file by inputFiles")
    return [*interpreter[:-1], str(write_script(folder, text, ".sh"))]


def write_script(folder: AttemptFolder, text: str, suffix: str, *, among_files: bool = False) -> Path:
    """Write a text to a new file and return it.

    Args:
        folder: Of the attempt.
        text: What to write.
        suffix: End of the file's name.
        among_files: In the working directory; otherwise beside it, where it isn't taken for an output.
    """
    base, name = folder.work if among_files else folder.root, f"script-{secrets.token_hex(4)}{suffix}"
    with create(base, name, folder.user) as file:
        file.write(text.encode("utf-8", "surrogateescape"))
    return base / name
