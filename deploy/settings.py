"""Everything an operator can set, each with its unit, its default and why that is the default.

Owns the models. Where values come from is `deploy/sources.py`. A setting exists only if something reads it; there are
at most 40.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic.fields import FieldInfo

from engine.values import Dialect

PREFIX = "PENSTOCK_"
SECTION_MARK = "__"
"""Between section and name in the environment: with one underscore, the variables that Kubernetes makes for a service
named penstock-api (`PENSTOCK_API_PORT=tcp://…`) would be taken for settings."""


def setting(default: Any, unit: str, why: str, **limits: Any) -> Any:
    """Return a field with its unit and the reason for its default, which `penstock settings` prints."""
    return Field(default, description=why, json_schema_extra={"unit": unit}, **limits)


class Section(BaseModel):
    """Base of the models: unknown names are refused, values never change after the start."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class KafkaSection(Section):
    """The Kafka cluster; without `bootstrap` the built-in log is used."""

    bootstrap: str | None = setting(None, "host:port[,host:port]", "nothing but Python is needed to begin with")
    topic_prefix: str = setting("penstock.", "text", "keeps our topics together in a cluster that others use too")
    partitions: int = setting(12, "partitions", "divides evenly among 1-4, 6, 12 executors; fixed at creation", ge=1)
    replication: int | None = setting(None, "copies", "none: three, or as many as there are brokers")
    job_transport: Literal["auto", "share", "classic"] = setting(
        "auto", "transport", "share groups where the brokers have them: a busy worker then holds up nobody"
    )
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = setting(
        "PLAINTEXT", "protocol", "what a broker on one's own machine speaks"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"] = setting(
        "SCRAM-SHA-512", "mechanism", "the strongest one that brokers check by themselves"
    )
    username: str | None = setting(None, "text", "only SASL needs one")
    password: SecretStr | None = setting(None, "secret", "only SASL needs one")
    ca_file: Path | None = setting(None, "PEM file", "none: the system's certificates")
    certificate_file: Path | None = setting(None, "PEM file", "for clusters that ask clients for certificates")
    key_file: Path | None = setting(None, "PEM file", "belongs to certificate_file")
    key_password: SecretStr | None = setting(None, "secret", "keys in mounted secrets are rarely encrypted")


class RegistrySection(Section):
    """A schema registry, for clusters whose other readers look schemas up there."""

    url: str | None = setting(None, "address", "none: the schemas come with Penstock")
    username: str | None = setting(None, "text", "only a registry that asks who we are needs one")
    password: SecretStr | None = setting(None, "secret", "belongs to username")


class ExecutorSection(Section):
    """The executor."""

    standby: bool = setting(False, "yes or no", "folding the partitions of others too costs their CPU once more")


class WorkerSection(Section):
    """The worker."""

    slots: int = setting(16, "attempts", "tasks mostly wait for something else; more than 4 a core rarely helps", ge=1)
    queue: str = setting("default", "name", "where tasks without a workerGroup go")
    folder: Path | None = setting(None, "folder", "none: scripts get folders in the system's temporary one")
    script_user: str | None = setting(
        None, "user name", "a worker that runs as root gives scripts somebody else's rights"
    )
    script_memory: int | None = setting(None, "MB a process", "none: the host or its container sets the bound", ge=16)
    script_cpu: int | None = setting(None, "seconds a process", "none: a task's timeout bounds it", ge=1)
    stop_grace: float = setting(20.0, "seconds", "ends before the 30 s after which orchestrators kill", ge=0)


class ApiSection(Section):
    """The HTTP interface and its views."""

    host: str = setting("127.0.0.1", "address", "nobody else's business until somebody decides who may do what")
    port: int = setting(8080, "port", "where clients of flows like these look first", ge=0, le=65535)
    views: SecretStr | None = setting(
        None,
        "sqlite:FILE or postgresql://…",
        "none: a file in the data folder; PostgreSQL is for several api processes",
    )
    url: str = setting("", "address", "links in answers are relative where nobody says how people reach the server")


class LogSection(Section):
    """What Penstock writes about itself (not the logs of task runs)."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting("INFO", "level", "a line per start, stop and trouble")
    format: Literal["auto", "text", "json"] = setting("auto", "format", "text on a terminal, otherwise JSON")


class Settings(Section):
    """All settings of one process; a role reads only its sections."""

    data: Path = setting(Path(".penstock"), "folder", "a trial leaves no traces elsewhere")
    dialect: Dialect = setting(
        Dialect.V1,
        "1.x or 2.x",
        "the generation that nearly all flows are written in; all processes must have the same",
    )
    encryption_key: SecretStr | None = setting(
        None,
        "Base64 of 16, 24 or 32 bytes",
        "none: one process makes its own; without one a cluster refuses SECRET inputs",
    )
    storage: Path | None = setting(None, "folder", "none: in the data folder; on a cluster one that all hosts share")
    globals: Path | None = setting(
        None,
        "YAML or JSON file",
        "none: templates read nothing in `globals`; all executor and api processes must have the same",
    )
    kafka: KafkaSection = KafkaSection()
    schema_registry: RegistrySection = RegistrySection()
    executor: ExecutorSection = ExecutorSection()
    worker: WorkerSection = WorkerSection()
    api: ApiSection = ApiSection()
    log: LogSection = LogSection()


class Leaf(BaseModel):
    """One setting, as an operator sees it."""

    name: str
    """Dotted, as in `--set` and in the file: `api.port`."""
    variable: str
    """Its name in the environment."""
    unit: str
    default: str
    why: str
    secret: bool


def leaves() -> Iterator[Leaf]:
    """Yield every setting, in the order of the models."""
    for name, field in Settings.model_fields.items():
        section = section_of(field)
        if section is None:
            yield leaf(name, field)
        else:
            for inner, inner_field in section.model_fields.items():
                yield leaf(f"{name}.{inner}", inner_field)


def section_of(field: FieldInfo) -> type[Section] | None:
    """Return the section that a field of `Settings` holds, None if it is a setting itself."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def leaf(name: str, field: FieldInfo) -> Leaf:
    """Return what an operator sees of one field."""
    extra = field.json_schema_extra
    return Leaf(
        name=name,
        variable=PREFIX + name.upper().replace(".", SECTION_MARK),
        unit=str(extra["unit"]) if isinstance(extra, dict) else "",
        default="none" if field.default is None else str(field.default),
        why=field.description or "",
        secret="SecretStr" in str(field.annotation),
    )
