"""Plugin defaults: values that a flow sets once for every map of a type.

Owns their merging into the raw maps before they are typed. The source text and the original document stay untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.flow.fields import Raw
from engine.flow.problems import Path, Report, kind_of
from engine.flow.shapes.flow_parts import PluginDefaultPart
from engine.flow.shapes.reading import read_part
from engine.flow.tasks import COMMON as TASK_COMMON
from engine.flow.triggers import COMMON as TRIGGER_COMMON
from engine.flow.types import TYPES, canonical, lookup

_COMMON = TASK_COMMON | TRIGGER_COMMON
MAX_APPLIED = 100_000
"""Values that defaults may set in one flow, counted anew for every task they are merged into."""


class _Default(msgspec.Struct, frozen=True):
    prefix: str
    forced: bool
    values: Raw


def apply_plugin_defaults(report: Report, raw: Raw, of_server: Sequence[Raw] = ()) -> Raw:
    """Return the flow's raw map with its `pluginDefaults` (or older `taskDefaults`) merged in.

    Everywhere but in variables, inputs and the defaults themselves, each map with a `type` gets the values of all
    defaults whose type equals its own or is a prefix of it. The map's own values win over the flow's defaults, and
    these over the server's; where defaults are forced, it is the other way round.

    Args:
        report: Where problems of the flow's defaults go.
        raw: The flow.
        of_server: Defaults of the server's configuration, in the form of the flow's; taken as they are.
    """
    defaults: list[_Default] = []
    for key in ("taskDefaults", "pluginDefaults"):
        if raw.get(key) is not None:
            defaults += _read(report, raw[key], (key,))
    if "taskDefaults" in raw:
        report.info("deprecated-property", "'taskDefaults' is replaced by 'pluginDefaults'", ("taskDefaults",))
    defaults += [_Default(str(item["type"]), bool(item.get("forced")), item["values"]) for item in of_server]
    if not defaults:
        return raw
    parts = ("tasks", "errors", "finally", "afterExecution", "triggers", "listeners")
    defaulting = _Defaulting(defaults)
    result = {key: defaulting.apply(value) if key in parts else value for key, value in raw.items()}
    if defaulting.room < 0:
        message = f"Expected plugin defaults that set at most {MAX_APPLIED} values in all, but they set more"
        report.error("plugin-defaults", message, ("pluginDefaults",))
    return result


def _read(report: Report, value: Any, path: Path) -> list[_Default]:
    if not isinstance(value, list):
        report.error("type-mismatch", f"Expected a list of plugin defaults, but found {kind_of(value)}", path)
        return []
    found: list[_Default] = []
    for index, item in enumerate(value):
        here: Path = (*path, index)
        if not isinstance(item, dict):
            report.error("type-mismatch", f"Expected a map with type and values, but found {kind_of(item)}", here)
            continue
        part = read_part(report, PluginDefaultPart, item, here)
        name, values = item.get("type"), item.get("values")
        if not isinstance(name, str) or not name:
            report.error("plugin-defaults", "no 'type' is set for this plugin default", here)
        elif not isinstance(values, dict):
            report.error("plugin-defaults", f"no 'values' are set for the plugin default of '{name}'", here)
        else:
            _check_values(report, name, values, (*here, "values"))
            found.append(_Default(name, part.forced, values))
    return found


def _check_values(report: Report, name: str, values: Raw, path: Path) -> None:
    info = lookup(name)
    for key, value in values.items():
        if value is None:
            report.error(
                "plugin-defaults", f"no value is set for '{key}' of the plugin default of '{name}'", (*path, key)
            )
        elif info is not None and canonical(name).startswith("io.kestra.plugin.core.") and not _knows(name, key):
            report.error("plugin-defaults", f"'{name}' has no property '{key}'", (*path, key))


def _knows(name: str, key: str) -> bool:
    info = TYPES.get(canonical(name))
    return info is None or key in info.properties or key in _COMMON


class _Defaulting:
    """Merges defaults into maps, up to a bound: every default may fit every map."""

    def __init__(self, defaults: list[_Default]) -> None:
        self.room = MAX_APPLIED
        self._defaults = defaults
        self._by_written: dict[str, list[int]] = {}
        self._by_present: dict[str, list[int]] = {}
        for index, default in enumerate(defaults):
            self._by_written.setdefault(default.prefix, []).append(index)
            self._by_present.setdefault(canonical(default.prefix), []).append(index)
        self._lengths = {len(prefix) for prefix in (*self._by_written, *self._by_present)}

    def apply(self, value: Any) -> Any:
        """Return a value with the defaults merged into every map with a type below it."""
        if isinstance(value, list):
            return [self.apply(item) for item in value]
        if not isinstance(value, dict):
            return value
        result = {key: self.apply(inner) for key, inner in value.items()}
        name = result.get("type")
        if not isinstance(name, str):
            return result
        for index in self._matching(name) if self.room > 0 else ():
            default = self._defaults[index]
            self.room -= 1 + len(default.values) + len(result) // 16
            if self.room < 0:
                break
            values = {k: v for k, v in default.values.items() if _knows(name, k)}
            result = _merge(result, values) if default.forced else _merge(values, result)
        return result

    def _matching(self, name: str) -> list[int]:
        """Return which defaults are for a type, in their order, by its present name or the written one."""
        found: set[int] = set()
        for whole, known in ((name, self._by_written), (canonical(name), self._by_present)):
            for length in self._lengths:
                if length <= len(whole):
                    found.update(known.get(whole[:length], ()))
        return sorted(found)


def _merge(under: Raw, over: Raw) -> dict[str, Any]:
    """Deep merge of two maps; `over` wins, its keys come first."""
    result = dict(over)
    for key, value in under.items():
        if key not in result:
            result[key] = value
        elif isinstance(value, dict) and isinstance(result[key], dict):
            result[key] = _merge(value, result[key])
    return result
