"""Functions that reach outside the engine: named here with their arguments, implemented by workers.

Owns nothing but the names. A worker offers implementations in `Scope.world`, called with the given arguments as
keywords under these names.
"""

from __future__ import annotations

from typing import Any

from engine.expression.registry import Operation
from engine.values import Dialect


def _absent(*_: Any) -> Any:
    raise AssertionError("the world's functions are called through Scope.world")


def _declared(name: str, *parameters: str, required: int = 0, dialect: Dialect | None = None) -> Operation:
    return Operation(name, parameters, _absent, required, dialect)


_FILES = tuple(
    _declared(name, "path", "namespace", required=1) for name in ("fileURI", "fileSize", "fileExists", "isFileEmpty")
)
WORLD: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        _declared("secret", "key", "namespace", "subkey", required=1),
        _declared("kv", "key", "namespace", "errorOnMissing", required=1),
        _declared("read", "path", "namespace", "version", "revision", required=1),
        _declared("http", "uri", "method", "query", "body", "contentType", "headers", "options", "accept", required=1),
        _declared("errorLogs"),
        _declared("randomPort"),
        _declared("env", "name", "default", required=1),
        _declared("subflow", "namespace", "id", "inputs", "revision", "labels", "timeout", required=2),
        _declared("credential", "key", "namespace", required=1),
        _declared("appLink", "appId", "baseUrl"),
        _declared("isPublicHoliday", "date", "countryCode", "subDivision", required=2),
        *_FILES,
    )
}
"""Functions of the world by name."""
