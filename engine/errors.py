"""The one error that the engine raises on purpose.

Owns the closed set of reasons for which a command can't apply. Operating errors (disk, broker, task process) belong to
the packages that meet them; bugs are assertions.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why a command was refused; mapped to an HTTP status once, in `api/app.py`."""

    NOT_FOUND = "NOT_FOUND"
    INVALID_STATE = "INVALID_STATE"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    TOO_LARGE = "TOO_LARGE"


class Rejected(Exception):
    """A command that can never apply to the state it met.

    Args:
        reason: One of the closed set.
        message: "Expected X, but Y", in words that a user can act on.
    """

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
