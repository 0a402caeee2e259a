"""The triggers of a flow while a command is decided.

Owns access to rows by name and what templates of triggers read. It holds no rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import expression
from engine.execution.draft import Setting
from engine.flow.model import Trigger
from engine.machine import Draft, Timer
from engine.trigger import events as e
from engine.trigger.state import HEADER, Header, scheduled_key, timer_key


class TriggerDraft(Draft):
    """The draft that the deciders of triggers work on; its context is a `Setting` with the flow as it is now."""

    __slots__ = ()

    @property
    def setting(self) -> Setting:
        """What deciders read besides rows."""
        setting: Setting = self.context
        return setting

    @property
    def header(self) -> Header | None:
        """The flow whose triggers they are; None if nothing was ever heard of it."""
        header: Header | None = self.get(HEADER)
        return header

    def trigger(self, trigger_id: str) -> Trigger | None:
        """Return a trigger that the flow declares."""
        flow = self.setting.flow
        return next((each for each in flow.triggers if each.id == trigger_id), None) if flow is not None else None

    def scheduled(self, trigger_id: str) -> e.TriggerChanged | None:
        """Return a trigger that goes by time, as it is now."""
        row = self.get(scheduled_key(trigger_id))
        return row.now if row is not None else None

    def follow(self, namespace: str, flow_id: str, revision: int) -> None:
        """Go on with a revision, unless it is an older one."""
        header = self.header
        if header is None or header.revision < revision:
            self.emit(e.TriggersFollowed(namespace=namespace, flow_id=flow_id, revision=revision, at_ms=self.at_ms))

    def scope(self, variables: Mapping[str, Any], entropy: str) -> expression.Scope:
        """Return what templates of a trigger read: the flow, its variables, and these on top."""
        flow, header = self.setting.flow, self.header
        about = {}
        if flow is not None and header is not None:
            about = {"id": flow.id, "namespace": flow.namespace, "revision": header.revision, "tenantId": "main"}
        known = {"flow": about, "vars": flow.variables if flow is not None else {}}
        return expression.Scope(
            variables={**self.setting.variables, **known, **variables},
            now_ms=self.at_ms,
            entropy=entropy,
            dialect=self.setting.dialect,
        )

    def set_timer(self, timer_id: str, due_ms: int) -> None:
        """Set a timer, instead of one with the same id."""
        timer: Timer | None = self.get(timer_key(timer_id))
        if timer is None or timer.due_ms != due_ms:
            self.emit(e.AlarmSet(timer_id=timer_id, due_ms=due_ms))

    def clear_timer(self, timer_id: str) -> None:
        """Take a timer away if it is set."""
        if self.get(timer_key(timer_id)) is not None:
            self.emit(e.AlarmCleared(timer_id=timer_id))
