"""Deletes keys that have expired, or others, in many namespaces at once."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import model_validator

from worker.context import Plugin, Result, RunContext
from worker.kill import Killed
from worker.properties import Properties, Text


class Behavior(Properties):
    """Which entries of a key go.

    Only the last version of a key is kept, so that `version` finds something to do only if not even that one is to
    stay: neither `before`, which spares the last version, nor a `keepAmount` other than 0.
    """

    type: Literal["key", "version"] = "key"
    expired_only: bool = True
    before: Text | None = None
    keep_amount: int | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> Behavior:
        if self.before is not None and self.keep_amount is not None:
            raise ValueError("expected either 'before' or 'keepAmount', but both are set")
        return self

    @property
    def last_goes(self) -> bool:
        """True if entries that haven't expired go too."""
        return not self.expired_only if self.type == "key" else self.before is None and not self.keep_amount

    @property
    def nothing_goes(self) -> bool:
        """True if even entries that have expired stay."""
        return self.type == "version" and not self.last_goes


class PurgeProperties(Properties):
    """Properties of `kv.PurgeKV`."""

    namespaces: list[Text] | None = None
    namespace_pattern: Text | None = None
    key_pattern: Text = "*"
    include_child_namespaces: bool = True
    behavior: Behavior = Behavior()
    expired_only: bool | None = None
    """The older form of `behavior`; it wins."""

    @model_validator(mode="after")
    def _one_choice(self) -> PurgeProperties:
        if self.namespaces is not None and self.namespace_pattern is not None:
            raise ValueError("expected either 'namespaces' or 'namespacePattern', but both are set")
        return self

    def wants(self, namespace: str) -> bool:
        """True if the keys of a namespace are looked at."""
        if self.namespace_pattern is not None:
            return fnmatchcase(namespace, self.namespace_pattern)
        if self.namespaces is None:
            return True
        children = self.include_child_namespaces
        return any(namespace == each or (children and namespace.startswith(f"{each}.")) for each in self.namespaces)


def run(context: RunContext, properties: PurgeProperties) -> Result:
    """Delete the keys; tell how many."""
    behavior = properties.behavior
    if properties.expired_only is not None:
        behavior = Behavior(expired_only=properties.expired_only)
    namespaces = [each for each in context.keys.namespaces() if properties.wants(each)]
    context.log.line("INFO", f"purging {len(namespaces)} namespaces")
    purged = 0
    for namespace in () if behavior.nothing_goes else namespaces:
        for key in context.keys.keys(namespace):
            if context.kill.why is not None:
                raise Killed
            if fnmatchcase(key, properties.key_pattern):
                purged += context.keys.purge(namespace, key, expired_only=not behavior.last_goes)
    context.log.line("INFO", f"purged {purged} keys")
    return Result({"size": purged})


PLUGIN = Plugin("io.kestra.plugin.core.kv.PurgeKV", PurgeProperties, run)
