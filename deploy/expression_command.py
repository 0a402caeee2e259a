"""`penstock expression eval`: render one template, to try the language out.

Owns reading the variables. The language is `engine/expression`.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from deploy.problems import UserError
from deploy.sources import load_yaml
from engine.expression import NeedsWorld, RenderError, Scope, TemplateSyntaxError, compile_template


def evaluate(template: str, variables: Path | None) -> int:
    """Print what a template gives: a single expression as JSON unless it is text, anything else as text."""
    scope = Scope(read_variables(variables), now_ms=time.time_ns() // 1_000_000, entropy=os.urandom(16))
    try:
        value = compile_template(template).evaluate(scope)
    except NeedsWorld as error:
        raise UserError(f"{error}; only a task that runs can evaluate it, so try it with `penstock run`") from None
    except (RenderError, TemplateSyntaxError) as error:
        raise UserError(str(error)) from None
    print(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
    return 0


def read_variables(path: Path | None) -> dict[str, Any]:
    """Return the variables of a YAML or JSON file; none without a file."""
    if path is None:
        return {}
    try:
        variables = load_yaml(path.read_text("utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    if not isinstance(variables, dict):
        raise UserError(f"{path}: expected names with values, such as `inputs:` with `name: Ada` below it")
    return variables
