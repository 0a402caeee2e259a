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
from engine.expression import Dialect, NeedsWorld, RenderError, Scope, TemplateSyntaxError, compile_template


def evaluate(template: str, variables: Path | None, dialect: Dialect = Dialect.V1, typed: bool = False) -> int:
    """Print what a template gives: the text that a task would get, or with `typed` its value as JSON.

    Args:
        template: The text.
        variables: A file of variables.
        dialect: Which generation of the language it is in.
        typed: Whether a single expression keeps its type, as where a flow asks for a value and not for a text.
    """
    scope = Scope(
        read_variables(variables), now_ms=time.time_ns() // 1_000_000, entropy=os.urandom(16), dialect=dialect
    )
    try:
        compiled = compile_template(template, dialect)
        if typed:
            print(json.dumps(compiled.evaluate(scope), ensure_ascii=False, default=str))
        else:
            print(compiled.render(scope))
    except NeedsWorld as error:
        raise UserError(f"{error}; only a task that runs can evaluate it, so try it with `penstock run`") from None
    except (RenderError, TemplateSyntaxError) as error:
        raise UserError(str(error)) from None
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
