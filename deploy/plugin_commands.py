"""`penstock plugin`: the types of tasks and triggers, and what one of them takes. No server is asked.

Owns how that looks in a terminal. What is told is `engine/flow`'s.
"""

from __future__ import annotations

import json
from typing import Literal

from deploy.problems import UserError
from engine.flow.properties import nearest_type
from engine.flow.shapes.documents import words
from engine.flow.type_docs import type_document
from engine.flow.types import TYPES


def doc(name: str, form: Literal["markdown", "json"] = "markdown") -> int:
    """Print what is known of a type.

    Args:
        name: Any of its names.
        form: A page for people, or all of it with JSON schemas for other programs.

    Raises:
        UserError: If there is no such type.
    """
    found = type_document(name)
    if found is None:
        meant = nearest_type(name)
        raise UserError(f"There is no type {name}; {meant or '`penstock plugin list` prints all'}")
    print(found["markdown"] if form == "markdown" else json.dumps(found, ensure_ascii=False))
    return 0


def listing(word: str = "") -> int:
    """Print the names of all types that contain a word, each with what it does if that is known."""
    for name, info in sorted(TYPES.items()):
        if word.lower() in name.lower():
            said = words().get(name, {}).get("", {}).get("description", "")
            if info.replacement is not None:
                said = f"Replaced by {info.replacement}."
            print(f"{name}  {said}".rstrip())
    return 0
