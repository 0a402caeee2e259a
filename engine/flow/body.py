"""A flow's text as the JSON body in which the API answers it.

Owns the shape of that body. Properties stay as they were written; only labels take one form, because clients read them
in one. What the catalogue knows (revision, when it changed) is added by whoever answers.
"""

from __future__ import annotations

from typing import Any

from engine.flow.document import read_documents
from engine.flow.fields import labels
from engine.flow.problems import Report

_NOT_AUTHORED = frozenset({"revision", "tenantId", "deleted", "updated", "source"})


def flow_to_json(source: str) -> dict[str, Any]:
    """Return the body of a flow.

    Args:
        source: The flow's text; only the first document counts.

    Returns:
        All properties as written, `labels` as a list of key and value, `disabled` and `deleted` always there. A text
        that can't be read gives `exception` in the place of the properties, as clients know it from broken flows.
    """
    document = read_documents(source)[0]
    raw = document.value
    if not isinstance(raw, dict):
        reason = str(document.problems[0]) if document.problems else "the text holds no flow"
        return {"disabled": False, "deleted": False, "exception": reason}
    body = {key: value for key, value in raw.items() if key not in _NOT_AUTHORED and value is not None}
    if "labels" in body:
        found = labels(Report(document), raw, "labels", ())
        body["labels"] = [{"key": key, "value": value} for key, value in found]
    body["disabled"] = body.get("disabled") in (True, "true")
    body["deleted"] = False
    return body
