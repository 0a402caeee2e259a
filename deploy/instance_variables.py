"""What templates of all flows read of this installation: `envs` and `globals`.

Owns where they come from. All executor and api processes must be given the same ones: whoever renders reads its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.expression_command import read_variables
from deploy.problems import UserError
from deploy.settings import Settings

GLOBALS_BYTES_MAX = 64 * 1024
"""They stand among the variables of every step; what is larger is a file of a namespace."""


def instance_variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, Any]:
    """Return `envs`, the environment's `ENV_…` by what follows in lower case, and `globals`, what the file says.

    Raises:
        UserError: If the file can't be read, is too large, or holds no names with values.
    """
    from worker.world import VARIABLE_PREFIX

    own = {name: value for name, value in environ.items() if name.startswith(VARIABLE_PREFIX)}
    envs = {name.removeprefix(VARIABLE_PREFIX).lower(): value for name, value in own.items()}
    return {"envs": envs, "globals": _globals(settings.globals)}


def _globals(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        size = path.stat().st_size
        if size > GLOBALS_BYTES_MAX:
            raise UserError(
                f"{path}: expected global variables of at most {GLOBALS_BYTES_MAX} bytes, but they have {size}; "
                f"keep large data in files of a namespace"
            )
        return read_variables(path)
    except OSError as error:
        raise UserError(f"globals: {path} can't be read: {error.strerror}") from None
