"""What YAML readers say about broken text, turned into a problem with advice.

Owns the wording; both readers give the same kind of error.
"""

from __future__ import annotations

from engine.flow.problems import Problem


def syntax_problem(error: Exception, text: str) -> Problem:
    """Return what a YAML reader complained about in a text, with its place and what would be right."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    message = f"YAML syntax error: {said}" + (f" {context}" if context else "")
    if mark is None:
        return Problem("error", "yaml-syntax", message, 1, 1)
    hint = _syntax_hint(message, text.split("\n")[mark.line] if mark.line <= text.count("\n") else "", mark.column)
    return Problem("error", "yaml-syntax", message, mark.line + 1, mark.column + 1, "", hint)


def _syntax_hint(message: str, line: str, column: int) -> str:
    if "\t" in line[: column + 1]:
        return "Indent with spaces, not with tabs"
    if "cannot start any token" in message:
        return f"Quote a value that starts with '{line[column : column + 1]}'"
    if "mapping values are not allowed" in message:
        return "Quote a value that holds ': ', and check the indentation"
    if "expected ',' or" in message or "expected <block end>" in message:
        return 'Check the indentation; an expression at the start of a value must be quoted: "{{ … }}"'
    return ""
