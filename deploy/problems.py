"""Which errors a person can do something about.

Owns `UserError` and the test of the others. Everything else is a bug and is reported as one.
"""

from __future__ import annotations

from deploy.sources import SettingsError
from deploy.supervisor import RoleDied
from engine.errors import Rejected
from topics.ports import LogError


class UserError(Exception):
    """What was asked can't be done; the text says what happened, where, and what to do."""


def is_expected(error: Exception) -> bool:
    """Return True if the error's text is meant for the person at the terminal."""
    from api.projections.database import ViewsUnavailable
    from executor.state.ports import StoreError

    of_parts = ViewsUnavailable | StoreError | LogError | Rejected
    return isinstance(error, of_parts | UserError | SettingsError | RoleDied | OSError)
