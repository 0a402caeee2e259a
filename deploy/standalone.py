"""`penstock server`: one role, or all of them in one process, until it is asked to stop.

Owns the order: names are checked, the port is taken, the log opened, the roles started; then everything backwards, so
that no request comes in while work is handed back, and the log is closed last.
"""

from __future__ import annotations

import gc
import logging
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deploy.clash import DISTRIBUTION, foreign_packages, shadowed_packages
from deploy.encryption import seal_of
from deploy.http_role import HttpRole, listening_socket, url_of
from deploy.instance_variables import instance_variables
from deploy.open_log import open_log, rows_folder, storage_folder, views_address
from deploy.own_log import configure_logging
from deploy.problems import UserError
from deploy.roles import KeepsRetention, clocks, executor_role, process_name, retention_role, worker_role
from deploy.settings import Settings
from deploy.sources import unknown_variables
from deploy.supervisor import Role, Supervisor, signals_ask
from topics.ports import Log

if TYPE_CHECKING:
    from aiohttp import web

logger = logging.getLogger(__name__)

EXIT_NOT_STOPPED = 1
GC_THRESHOLD = (20_000, 20, 50)
"""Records, rows and events hold no cycles, they only look like work to the collector: with Python's own (700, 10, 10) a
fan of 10,000 tasks takes a fifth longer."""
SWITCH_S = 0.002
"""How long a thread may keep the interpreter while others wait: a task passes through four threads, and with Python's
own 5 ms a busy one of them would hold it up at every turn."""
STANDALONE = "standalone"


def serve(settings: Settings, role: str) -> int:
    """Run a role until SIGTERM or SIGINT, and return the exit code.

    Args:
        settings: Of this process.
        role: standalone, executor, worker or api.

    Raises:
        UserError: If it can't start.
        RoleDied: If a part of it ended by itself.
    """
    began = time.monotonic()
    sys.setswitchinterval(SWITCH_S)
    configure_logging(settings.log.level, settings.log.format, secrets_of(settings))
    check_surroundings(settings, role)
    with ExitStack() as stack:
        supervisor = Supervisor(build(settings, role, stack, lambda url: announce(role, url, began)))
        stack.enter_context(signals_ask(supervisor.ask_to_stop))
        gc.enable()
        gc.set_threshold(*GC_THRESHOLD)
        supervisor.start()
        try:
            supervisor.wait()
            logger.info("stopping")
        finally:
            late = supervisor.stop()
            if late:
                # A thread that hangs may use the log: closing it under the thread could crash the process.
                stack.pop_all()
    return EXIT_NOT_STOPPED if late else 0


def check_surroundings(settings: Settings, role: str) -> None:
    """Refuse to start where another package has one of our names, or where the role makes no sense."""
    problems = [*shadowed_packages(), *foreign_packages()]
    if problems:
        raise UserError(problems[0])
    for sentence in unknown_variables(os.environ):
        logger.warning("%s", sentence)
    if role != STANDALONE and settings.kafka.bootstrap is None:
        raise UserError(
            f"{'a' if role == 'worker' else 'an'} {role} by itself needs a Kafka cluster to meet the others: name it "
            "with --kafka HOST:PORT, or start all roles in one process with `penstock server standalone`"
        )


def secrets_of(settings: Settings) -> list[str]:
    """Return the values that must never be written anywhere."""
    secrets = [settings.kafka.password, settings.kafka.key_password, settings.api.views, settings.encryption_key]
    values = [secret.get_secret_value() for secret in secrets if secret is not None]
    return values + [password for value in values if "://" in value and (password := urlsplit(value).password)]


def announce(role: str, url: str, began: float) -> None:
    """Say that the process is ready, in the one line that a person waits for."""
    where = f" on {url}" if url else ""
    logger.info("Penstock's %s is ready%s after %.1f s; Ctrl-C stops it", role, where, time.monotonic() - began)


def build(settings: Settings, role: str, stack: ExitStack, ready: Callable[[str], None]) -> list[Role]:
    """Return the parts of a role, in the order in which they start.

    Args:
        settings: Of this process.
        role: standalone, executor, worker or api.
        stack: Takes what must be closed after all parts have stopped.
        ready: Called with the URL, empty without HTTP, when work is taken.
    """
    everything = role == STANDALONE
    taken = None
    if everything or role == "api":
        taken = listening_socket(settings.api.host, settings.api.port)
        stack.callback(taken.close)
    if everything and settings.kafka.bootstrap is not None:
        from deploy.kafka_settings import create_topics

        create_topics(settings)
    log = open_log(settings)
    stack.callback(log.close)
    if settings.kafka.bootstrap is not None:
        from deploy.kafka_settings import require_partitions

        require_partitions(settings, log)
    roles = []
    if isinstance(log, KeepsRetention):
        roles.append(retention_role(log))
    if everything or role == "executor":
        roles.append(build_executor(settings, log, stack))
    if everything or role == "worker":
        roles.append(worker_role(log, settings, process_name()))
    if taken is not None:
        roles.append(build_api(settings, log, taken, ready))
    else:
        ready("")
    return roles


def build_executor(settings: Settings, log: Log, stack: ExitStack) -> Role:
    """Return the executor with its rows on disk."""
    from executor.state.rocks import RocksStore

    store = RocksStore(rows_folder(settings))
    stack.callback(store.close)
    return executor_role(log, store, settings, process_name())


def build_api(settings: Settings, log: Log, taken: socket.socket, ready: Callable[[str], None]) -> Role:
    """Return the HTTP interface; its application is made in its own thread."""
    from api.app import create_app
    from api.settings import ApiSettings
    from deploy.files import ApiFiles
    from worker.storage.key_values import KeyValues
    from worker.storage.local import LocalStorage
    from worker.world import member_of, secret_of

    def secret(key: str, namespace: str | None = None, subkey: str | None = None) -> str:
        value = secret_of(os.environ, key)
        return value if subkey is None else member_of(value, key, subkey)

    storage = LocalStorage(storage_folder(settings))
    files, keys = ApiFiles(storage), KeyValues(storage, clocks().now_ms)
    api_settings = ApiSettings(
        views=views_address(settings),
        ui_url=settings.api.url,
        version=version(DISTRIBUTION),
        dialect=settings.dialect,
        expression_globals=instance_variables(settings, os.environ),
    )

    seal = seal_of(settings)

    def application(failed: Callable[[BaseException], None]) -> web.Application:
        return create_app(log, api_settings, files, keys=keys, seal=seal, secret=secret, on_failure=failed)

    return HttpRole(application, taken, lambda: ready(url_of(taken))).role()
