"""All words of the language with their arguments, for editors and documentation."""

from __future__ import annotations

from engine.expression.filters import FILTERS
from engine.expression.functions import FUNCTIONS
from engine.expression.functions.world import WORLD
from engine.expression.predicates import TESTS
from engine.expression.registry import Operation

TAGS = ("if", "elseif", "else", "endif", "for", "endfor", "set", "macro", "endmacro", "block", "endblock")
MORE_TAGS = ("filter", "endfilter", "raw", "endraw", "verbatim", "endverbatim")


def vocabulary() -> dict[str, dict[str, list[str]]]:
    """Return names with the names of their arguments under `filters`, `functions`, `tests` and `tags`, sorted."""

    def described(operations: dict[str, Operation]) -> dict[str, list[str]]:
        return {name: list(operations[name].parameters or ()) for name in sorted(operations)}

    return {
        "filters": described(FILTERS),
        "functions": described({**FUNCTIONS, **WORLD}),
        "tests": described(TESTS),
        "tags": {name: [] for name in (*TAGS, *MORE_TAGS)},
    }
