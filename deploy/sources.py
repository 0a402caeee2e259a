"""Where settings come from: the command line over the environment over a file over the defaults.

Owns the order, the names in each source and the one-line errors. What can be set is `deploy/settings.py`.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.settings import PREFIX, SECTION_MARK, Settings, leaves

OF_KUBERNETES = re.compile(r"_SERVICE_(HOST|PORT)(_\w+)?$|_PORT_\d+_\w+$")
"""Variables that Kubernetes makes for services whose names begin with `penstock`."""

FILE_SUFFIX = "_FILE"
"""`PENSTOCK_KAFKA__PASSWORD_FILE` names a file that holds the password: how containers mount secrets."""


class SettingsError(ValueError):
    """A setting is unknown or has a value that can't be; the text names its source and what may stand there."""


def load_settings(
    config: Path | None = None, environ: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings of this process.

    Args:
        config: A TOML or YAML file with the sections as tables.
        environ: `PENSTOCK_SECTION__NAME`; for secrets also `…_FILE`, a file with the value.
            The environment of the process if None.
        flags: Dotted names from the command line; they win over the environment, which wins over the file.

    Raises:
        SettingsError: If a name is unknown, a value impossible, or a file unreadable.
    """
    values: dict[str, tuple[Any, str]] = {}
    if config is not None:
        values.update(from_file(config))
    values.update(from_environment(os.environ if environ is None else environ))
    values.update({name: (value, "the command line") for name, value in (flags or {}).items()})
    known = {each.name for each in leaves()}
    nested: dict[str, Any] = {}
    for name, (value, source) in values.items():
        if name not in known:
            guess = nearest(name, known)
            raise SettingsError(f"{source}: there is no setting {name}{guess} (`penstock settings` lists them)")
        section, dot, inner = name.partition(".")
        if dot:
            nested.setdefault(section, {})[inner] = value
        else:
            nested[section] = value
    try:
        return Settings.model_validate(nested)
    except ValidationError as error:
        raise SettingsError(first_problem(error, values)) from None


def from_file(path: Path) -> dict[str, tuple[Any, str]]:
    """Return the values of a TOML or YAML file by dotted name, each with its source."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}; --config wants a TOML or YAML file") from None
    try:
        document = tomllib.loads(text) if path.suffix == ".toml" else load_yaml(text)
    except ValueError as error:
        raise SettingsError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(document, dict):
        raise SettingsError(f"{path}: expected sections with settings, such as `api:` with `port: 8080` below it")
    found: dict[str, tuple[Any, str]] = {}
    for name, value in document.items():
        if isinstance(value, dict):
            found.update({f"{name}.{inner}": (each, str(path)) for inner, each in value.items()})
        elif value is not None:
            found[str(name)] = (value, str(path))
    return found


def load_yaml(text: str) -> Any:
    """Return what a YAML text says; raises ValueError if it is no YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="safe", pure=True).load(text) or {}
    except YAMLError as error:
        raise ValueError(str(error)) from None


def from_environment(environ: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    """Return the values of the environment by dotted name, each with its source."""
    by_variable = {each.variable: each for each in leaves()}
    found: dict[str, tuple[Any, str]] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX):
            continue
        if variable in by_variable:
            found[by_variable[variable].name] = (value, variable)
            continue
        holder = by_variable.get(variable.removesuffix(FILE_SUFFIX))
        if holder and holder.secret:
            found[holder.name] = (read_secret(Path(value), variable), variable)
        elif SECTION_MARK in variable:
            raise SettingsError(f"{variable}: there is no such setting{nearest(variable, by_variable)}")
    return found


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that looks like a misspelt setting but may be somebody else's."""
    by_variable = {each.variable: each for each in leaves()}
    return [
        f"{variable} is no setting{guess}"
        for variable, value in environ.items()
        if variable.startswith(PREFIX)
        and not OF_KUBERNETES.search(variable)
        and not value.startswith("tcp://")
        and variable not in by_variable
        and variable.removesuffix(FILE_SUFFIX) not in by_variable
        and (guess := nearest(variable, by_variable))
    ]


def read_secret(path: Path, variable: str) -> str:
    """Return the first line of a mounted secret."""
    try:
        return path.read_text("utf-8").split("\n", 1)[0]
    except OSError as error:
        raise SettingsError(f"{variable}: {path} can't be read: {error.strerror}") from None


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean X?` if something known is close, otherwise nothing."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.75)
    return f"; did you mean {close[0]}?" if close else ""


def first_problem(error: ValidationError, values: Mapping[str, tuple[Any, str]]) -> str:
    """Return one line about the first wrong value: its source and what was expected. Never the value of a secret."""
    problem = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in problem["loc"][:2])
    secret = any(each.secret for each in leaves() if each.name == name)
    source = values.get(name, ("", "the defaults"))[1]
    got = "" if secret else f", but got {str(problem['input'])[:80]!r}"
    expected = re.sub(r"^Input should be ", "", problem["msg"].split(", unable")[0])
    return f"{source}: expected {name} to be {expected}{got}"
