"""Scripts in languages other than the shell: a file, and the program that runs it.

Owns how the file is written and what Python needs besides. A shell still starts it, so `beforeCommands` work alike.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worker.context import Result, RunContext
from worker.properties import Text
from worker.scripts.command import write_script
from worker.scripts.files import localise
from worker.scripts.properties import ScriptProperties
from worker.scripts.script import run_script

HELPERS = Path(__file__).with_name("python_path")
"""Folder with the module that Python scripts import to talk to the engine."""

JSON_NAMES = re.compile(r"\b(?:true|false|null)\b")
PRELUDE = "true, false, null = True, False, None\n"
"""Rendered booleans and nulls are JSON's; a script that holds one of these words gets them as names."""


class PythonProperties(ScriptProperties):
    """Properties that Python tasks have besides. Packages are installed by pip, whatever `packageManager` says."""

    dependencies: list[Text] = []


def run_file(context: RunContext, properties: ScriptProperties, script: str, program: str, suffix: str) -> Result:
    """Run a script's text as a file in the working directory, where it finds the files beside it."""
    path = write_script(context.folder, localise(context, script), suffix, among_files=True)
    return run_script(context, properties, [f"{program} {shlex.quote(path.name)}"], own=path)


def run_python_file(context: RunContext, properties: PythonProperties, script: str) -> Result:
    """Run a Python script."""
    text = PRELUDE + script if JSON_NAMES.search(script) else script
    path = write_script(context.folder, localise(context, text), ".py", among_files=True)
    python = python_of(context)
    command = f"{python} {shlex.quote(path.name)}"
    return run_python(context, properties, [command], own=path)


def run_python(
    context: RunContext, properties: PythonProperties, commands: list[str], own: Path | None = None
) -> Result:
    """Run commands with what Python programs need."""
    packages = context.folder.root / "packages"
    first = []
    if properties.dependencies:
        wanted = " ".join(shlex.quote(each) for each in properties.dependencies)
        install = "-m pip install --quiet --disable-pip-version-check --no-input"
        first.append(f"{python_of(context)} {install} --target {shlex.quote(str(packages))} {wanted}")
    return run_script(context, properties, commands, first=first, more=_environment(properties.env, packages), own=own)


def python_of(context: RunContext) -> str:
    """Return the name of the host's Python."""
    path = context.processes.environment(context.folder, {}).get("PATH")
    return "python" if shutil.which("python", path=path) else "python3"


def _environment(given: Mapping[str, Any], packages: Path) -> dict[str, str]:
    paths = [str(given.get("PYTHONPATH") or ""), str(packages), str(HELPERS)]
    return {
        "PYTHONUNBUFFERED": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
