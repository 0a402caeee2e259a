"""The functions of templates that reach outside the engine, as workers answer them.

Owns `secret`, `env`, `kv`, `read`, `fileURI`, `fileSize`, `fileExists`, `isFileEmpty`, `errorLogs` and `randomPort`.
One that isn't here fails the task with its name.
"""

from __future__ import annotations

import base64
import binascii
import socket
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from engine.execution.job import Job
from engine.key_values import kv_function
from engine.seals import text_of_sealed, unsealed
from worker.logs import Masks
from worker.storage.access import AttemptFiles
from worker.storage.key_values import KeyValues
from worker.storage.paths import SCHEME
from worker.storage.port import StorageError

SECRET_PREFIX = "SECRET_"  # noqa: S105 (the prefix of the variables' names, no secret)
"""A secret `db_password` is the environment variable `SECRET_DB_PASSWORD` of the worker, in base64."""
VARIABLE_PREFIX = "ENV_"
"""What templates may read of the worker's environment."""
READ_BYTES_MAX = 8 * 1024 * 1024
"""Larger files are for scripts: what a template reads ends up in an output or a log line."""


def secret_of(environment: Mapping[str, str], key: str) -> str:
    """Return a secret.

    Raises:
        ValueError: If there is none, or it isn't written as it must be.
    """
    name = f"{SECRET_PREFIX}{str(key).upper()}"
    written = environment.get(name)
    if written is None:
        raise ValueError(f"Cannot find secret for key '{key}'")
    try:
        return base64.b64decode("".join(written.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise ValueError(f"Expected base64 of a text in {name}, but it isn't") from None


def member_of(secret: str, key: str, subkey: str) -> str:
    """Return a member of a secret that is a JSON object, as text.

    Raises:
        ValueError: If it isn't one, or has no such member.
    """
    try:
        member = msgspec.json.decode(secret)[subkey]
    except (msgspec.DecodeError, KeyError, TypeError):
        raise ValueError(f"Expected a JSON object with the key '{subkey}' in secret '{key}'") from None
    return member if isinstance(member, str) else msgspec.json.encode(member).decode()


class World:
    """The world of one attempt.

    Args:
        job: Whose world it is.
        files: Stored files it may see.
        environment: The worker's environment.
        masks: Takes the secrets that were read.
        keys: Key-value stores.
    """

    def __init__(
        self, job: Job, files: AttemptFiles, environment: Mapping[str, str], masks: Masks, keys: KeyValues
    ) -> None:
        self._job = job
        self._files = files
        self._environment = environment
        self._masks = masks
        self._keys = keys

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions by their names in templates."""
        return {
            "secret": self._secret,
            "env": self._env,
            "kv": kv_function(self._job.namespace, self._keys.get),
            "read": self._read,
            "fileURI": self._file_uri,
            "fileSize": lambda path, namespace=None: self._files.size(self._file_uri(path, namespace)),
            "fileExists": lambda path, namespace=None: self._files.exists(self._file_uri(path, namespace)),
            "isFileEmpty": lambda path, namespace=None: self._files.size(self._file_uri(path, namespace)) == 0,
            "errorLogs": lambda: self._job.error_logs,
            "randomPort": _random_port,
        }

    def _secret(self, key: str, namespace: str | None = None, subkey: str | None = None) -> str:
        value = secret_of(self._environment, key)
        self._masks.add(value)
        if subkey is None:
            return value
        text = member_of(value, key, subkey)
        self._masks.add(text)
        return text

    def _env(self, name: str, default: Any = None) -> Any:
        value = self._environment.get(f"{VARIABLE_PREFIX}{str(name).upper()}", default)
        if value is None:
            raise ValueError(f"The worker has no environment variable {VARIABLE_PREFIX}{str(name).upper()}")
        return value

    def _read(
        self, path: str, namespace: str | None = None, version: int | None = None, revision: int | None = None
    ) -> str:
        return self._files.read_text(self._file_uri(path, namespace), READ_BYTES_MAX)

    def _file_uri(self, path: str, namespace: str | None = None) -> str:
        """Return the URI of a stored file, which a bare path names within its namespace."""
        text = str(path)
        if text.startswith(f"{SCHEME}/"):
            return text
        if text.startswith("file:"):
            raise StorageError(
                f"Expected a stored file or a namespace's, but {text[:200]!r} is one of the worker's host"
            )
        return self._files.uri_in_namespace(text.removeprefix("nsfile:///"), namespace)


def opened(job: Job, key: str | None, masks: Masks) -> Job:
    """Return a job with the text of its SECRET inputs, which logs hide.

    Raises:
        ValueError: If the key is another one than the API's, or none is set.
    """
    if not job.sealed:
        return job

    def open_one(encrypted: str) -> str:
        if key is None:
            raise ValueError("A SECRET input can't be read: set encryption_key on this worker as on the API")
        try:
            text = text_of_sealed(key, encrypted)
        except ValueError as problem:
            raise ValueError(f"A SECRET input can't be read, is encryption_key that of the API? {problem}") from None
        masks.add(text)
        return text

    inputs = unsealed(job.variables["inputs"], open_one)
    return msgspec.structs.replace(job, variables={**job.variables, "inputs": inputs})


def _random_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
