"""The types that a worker runs."""

from __future__ import annotations

from pathlib import Path

from engine.flow.types import canonical, lookup
from worker import plugins
from worker.plugins import Registry

TESTS = Path(__file__).parent / "plugins"


def test_every_plugin_is_a_known_type_under_its_present_name() -> None:
    for name in Registry().types:
        assert lookup(name) is not None
        assert canonical(name) == name


def test_every_plugin_has_its_test() -> None:
    modules = {path.stem for path in Path(plugins.__path__[0]).glob("*.py")} - {"__init__"}

    assert modules == {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}


def test_tasks_of_the_engine_are_found_without_a_module() -> None:
    assert Registry().find("io.kestra.plugin.core.log.Log") is not None
    assert Registry().find("io.kestra.plugin.core.flow.Parallel") is None
