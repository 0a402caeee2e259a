"""When a condition of a task holds (`runIf`, `If`, `Fail`, `Assert` …).

Owns only how a rendered property that may be no text is read; the rule is `expression.truthiness`.
"""

from __future__ import annotations

from typing import Any

from engine import expression


def holds(rendered: Any) -> bool:
    """Return the truth of a rendered condition: false are "", false, 0, -0 and nothing.

    Example:
        >>> holds("  false "), holds(True), holds(0), holds("no")
        (False, True, False, True)
    """
    if isinstance(rendered, bool):
        return rendered
    return expression.truthiness(None if rendered is None else str(rendered))
