"""YAML text as events, by whichever reader is installed.

Text is read by libyaml where PyYAML offers it, by ruamel.yaml's reader of pure Python otherwise; both speak in the same
events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

try:
    import yaml as events  # type: ignore[import-untyped, unused-ignore]
    from yaml import CSafeLoader as Loader

    YamlError: type[Exception] = events.YAMLError

    def read_events(text: str) -> Iterator[Any]:
        """Yield the YAML events of `text`."""
        parser = Loader(text)
        try:
            while parser.check_event():
                yield parser.get_event()
        finally:
            parser.dispose()

except ImportError:  # pragma: no cover - depends on how the machine was set up
    from ruamel.yaml import YAML, events
    from ruamel.yaml.error import YAMLError as YamlError

    def read_events(text: str) -> Iterator[Any]:
        """Yield the YAML events of `text`."""
        yield from YAML(typ="safe", pure=True).parse(text)


__all__ = ["YamlError", "events", "read_events"]
