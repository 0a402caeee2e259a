"""Every error that a client can get: the one table from causes to statuses, and the one body.

Owns the body: a problem document (RFC 9457) that also carries the members which older clients read (`message`,
`_links`, `_embedded`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from engine.errors import Reason

TYPES = "https://kestra.io/docs/api-reference/problems/"
"""Prefix of problem types that clients compare with."""

STATUS = {
    "bad-request": (400, "Bad request"),
    "invalid-query-parameter": (400, "Invalid query parameter"),
    "invalid-query-filters": (400, "Invalid query filters"),
    "forbidden": (403, "Forbidden"),
    "not-found": (404, "Not found"),
    "method-not-allowed": (405, "Method not allowed"),
    "not-acceptable": (406, "Not acceptable"),
    "conflict": (409, "Conflict"),
    "resource-expired": (410, "Resource expired"),
    "payload-too-large": (413, "Payload too large"),
    "unsupported-media-type": (415, "Unsupported media type"),
    "invalid-json": (422, "Invalid JSON"),
    "invalid-argument": (422, "Invalid argument"),
    "invalid-entity": (422, "Invalid entity"),
    "entity-already-exists": (422, "Entity already exists"),
    "validation-failed": (422, "Validation failed"),
    "too-many-requests": (429, "Too many requests"),
    "internal-error": (500, "Internal error"),
    "service-unavailable": (503, "Service unavailable"),
    "timeout": (504, "Timeout"),
}
"""Kind of problem to status and title."""

OF_REASON = {
    Reason.NOT_FOUND: "not-found",
    Reason.INVALID_STATE: "conflict",
    Reason.INVALID_ARGUMENT: "invalid-argument",
    Reason.ALREADY_EXISTS: "entity-already-exists",
    Reason.TOO_LARGE: "payload-too-large",
}
"""Why a command was refused to kind of problem."""

OF_STATUS = {
    400: "bad-request",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    406: "not-acceptable",
    409: "conflict",
    413: "payload-too-large",
    415: "unsupported-media-type",
    422: "invalid-argument",
    503: "service-unavailable",
}

JSON = "application/problem+json"


class Detail(msgspec.Struct, frozen=True):
    """One of several things that are wrong."""

    message: str
    path: str = ""
    """Where, as people write it: `inputs.date`, `tasks[hello].message`."""
    pointer: str = ""
    """The same as an RFC 6901 pointer."""


class ApiProblem(Exception):
    """An error that a client gets as it is.

    Args:
        kind: A key of `STATUS`.
        detail: Where it is wrong and what to do, in a sentence.
        errors: Each thing that is wrong, if there are several.
        retry_after_s: Tells the client when to come again.
    """

    def __init__(self, kind: str, detail: str, errors: Sequence[Detail] = (), retry_after_s: int = 0) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.retry_after_s = retry_after_s


def problem_body(problem: ApiProblem, instance: str) -> dict[str, Any]:
    """Return the body of a problem; `instance` is the request's path."""
    status, title = STATUS[problem.kind]
    body: dict[str, Any] = {
        "type": TYPES + problem.kind,
        "title": title,
        "status": status,
        "detail": problem.detail,
        "instance": instance,
        "message": f"{title}: {problem.detail}" if status in (422, 404) else problem.detail,
        "_links": {"self": {"href": instance, "templated": False}},
    }
    errors = problem.errors or [Detail(problem.detail)]
    if problem.errors:
        body["errors"] = [
            {key: value for key, value in (("detail", e.message), ("path", e.path), ("pointer", e.pointer)) if value}
            for e in errors
        ]
    body["_embedded"] = {"errors": [{"message": e.message, **({"path": e.path} if e.path else {})} for e in errors]}
    return body


def problem_response(problem: ApiProblem, instance: str) -> web.Response:
    """Return the answer to a request that failed."""
    status, _ = STATUS[problem.kind]
    headers = {"Retry-After": str(problem.retry_after_s)} if problem.retry_after_s else None
    return web.Response(
        status=status,
        body=msgspec.json.encode(problem_body(problem, instance)),
        content_type=JSON,
        headers=headers,
    )
