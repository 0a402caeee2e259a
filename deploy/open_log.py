"""Opens the log that the settings name, and says where a process keeps its files.

Owns the layout of the data folder and the choice between the built-in log and Kafka. It creates no topics on Kafka:
`penstock topics apply` does.
"""

from __future__ import annotations

from pathlib import Path

from deploy.problems import UserError
from deploy.settings import Settings
from topics.ports import Log

EMBEDDED_PARTITIONS = 1
"""One process has one executor thread; more partitions would only divide its batches."""


def log_folder(settings: Settings) -> Path:
    """Return where the built-in log is."""
    return settings.data / "log"


def rows_folder(settings: Settings) -> Path:
    """Return where the executor keeps its rows: a fold of the log, which may be deleted at any time."""
    return settings.data / "rows"


def views_address(settings: Settings) -> str:
    """Return where the api keeps its views: another fold of the log."""
    if settings.api.views is not None:
        return settings.api.views.get_secret_value()
    return f"sqlite:{settings.data / 'views.sqlite'}"


def storage_folder(settings: Settings) -> Path:
    """Return where files of flows and executions are."""
    return settings.storage or settings.data / "storage"


def use_schema_registry(settings: Settings) -> None:
    """Frame messages as the registry's readers expect them, if a registry is set.

    Raises:
        LogError: If its client isn't installed or refuses the settings.
    """
    registry = settings.schema_registry
    if registry.url is None:
        return
    from topics.serde import use_registry
    from topics.serde.confluent import ConfluentRegistry

    options = {}
    if registry.username is not None:
        password = registry.password.get_secret_value() if registry.password else ""
        options["basic.auth.user.info"] = f"{registry.username}:{password}"
    use_registry(ConfluentRegistry(registry.url, options))


def open_log(settings: Settings, *, must_exist: bool = False) -> Log:
    """Open the log.

    Args:
        settings: Which log, and where.
        must_exist: Refuse to begin a new built-in log: a mistyped folder would look like an empty one.

    Raises:
        UserError: If there is no log and there must be one.
        LogError: If another process has the built-in log open, the disk refuses, or no broker answers.
    """
    use_schema_registry(settings)
    if settings.kafka.bootstrap is None:
        from topics.embedded.rocks import open_embedded_log
        from topics.embedded.rules import catalog_partitions

        if must_exist and not log_folder(settings).is_dir():
            raise UserError(f"there is no log in {settings.data}: name the folder of the server with --data")
        return open_embedded_log(log_folder(settings), catalog_partitions(EMBEDDED_PARTITIONS))
    from deploy.kafka_settings import open_kafka

    return open_kafka(settings)
