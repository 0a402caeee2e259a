"""The types that a worker runs."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from engine.flow.shapes.documents import words
from engine.flow.types import canonical, lookup
from worker import plugins
from worker.context import Plugin
from worker.plugins import PART, Registry

TESTS = Path(__file__).parent / "plugins"


def test_every_plugin_is_a_known_type_under_its_present_name() -> None:
    for name in {type.partition(PART)[0] for type in Registry().types}:
        assert lookup(name) is not None
        assert canonical(name) == name


def modules_of_plugins() -> set[str]:
    return {path.stem for path in Path(plugins.__path__[0]).glob("*.py")} - {"__init__"}


def test_every_plugin_has_its_test() -> None:
    assert modules_of_plugins() == {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}


def plugins_with_models() -> list[Plugin[Any]]:
    found = (importlib.import_module(f"{plugins.__name__}.{name}").PLUGIN for name in modules_of_plugins())
    return [plugin for plugin in found if isinstance(plugin, Plugin) and PART not in plugin.type]


def test_a_plugin_reads_no_property_that_its_type_does_not_have() -> None:
    for plugin in plugins_with_models():
        info = lookup(plugin.type)
        assert info is not None
        read = {field.alias or name for name, field in plugin.properties.model_fields.items()}
        assert read <= set(info.properties), plugin.type


def test_the_defaults_that_people_read_are_those_that_plugins_take() -> None:
    for plugin in plugins_with_models():
        said = words()[plugin.type]
        for name, field in plugin.properties.model_fields.items():
            told = said[field.alias or name]
            # A `None` that stands for what another property says isn't told as a default.
            if not field.is_required() and field.default is not None and "default" in told:
                assert told["default"] == field.default, (plugin.type, name)


def test_tasks_of_the_engine_are_found_without_a_module() -> None:
    assert Registry().find("io.kestra.plugin.core.log.Log") is not None
    assert Registry().find("io.kestra.plugin.core.flow.Parallel") is None
