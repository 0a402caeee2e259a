"""What the routes share: one object per application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from api.commands import Commands
from api.flow_texts import FlowTexts
from api.projections.fan_out import FanOut
from api.projections.views import Views
from api.settings import ApiSettings
from api.storage import FileStorage, KeyValueStores
from engine.inputs.resolve import Seal


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a route may use."""

    settings: ApiSettings
    commands: Commands
    views: Views
    fan_out: FanOut
    flow_texts: FlowTexts
    storage: FileStorage | None
    """None: no files are accepted."""
    keys: KeyValueStores | None
    """None: there are no key-value stores."""
    seal: Seal | None
    """Encrypts SECRET inputs; None refuses them."""
    secret: Callable[..., str] | None
    """`secret()` of templates that the API itself renders, such as keys of webhooks; None: there is none."""
    health: Callable[[], dict[str, str]]
    """Says of each part `UP` or what is wrong with it."""
    stopping: asyncio.Event
    """Set when the process is about to stop: event streams end."""

    @property
    def variables(self) -> dict[str, Any]:
        """What expressions of the API read besides inputs and flow."""
        settings = self.settings
        environment = {"name": settings.environment_name, "color": settings.environment_color}
        return {
            "envs": {},
            "globals": {},
            "kestra": {"environment": environment, "url": settings.ui_url},
            **settings.expression_globals,
        }


CONTEXT = web.AppKey("context", Context)
