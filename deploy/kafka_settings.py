"""Kafka as the settings describe it: connections, and the topics.

Owns the mapping from what an operator sets to what `topics/kafka` takes. Imported only where a cluster is named, so
that nobody else loads the client library.
"""

from __future__ import annotations

from pathlib import Path

from deploy.problems import UserError
from deploy.settings import Settings
from topics import catalog
from topics.kafka.admin import TopicsApplied, apply_topics
from topics.kafka.log import KafkaLog, open_kafka_log
from topics.kafka.settings import KafkaSecurity, KafkaSettings
from topics.ports import Log


def kafka_settings(settings: Settings) -> KafkaSettings:
    """Return what `topics/kafka` takes; `settings.kafka.bootstrap` must be set."""
    kafka = settings.kafka
    assert kafka.bootstrap is not None
    for name in ("ca_file", "certificate_file", "key_file"):
        path = getattr(kafka, name)
        if path is not None:
            require_readable(f"kafka.{name}", path)
    security = KafkaSecurity(
        protocol=kafka.security_protocol,
        sasl_mechanism=kafka.sasl_mechanism,
        username=kafka.username or "",
        password=kafka.password.get_secret_value() if kafka.password else "",
        ca_file=str(kafka.ca_file or ""),
        certificate_file=str(kafka.certificate_file or ""),
        key_file=str(kafka.key_file or ""),
        key_password=kafka.key_password.get_secret_value() if kafka.key_password else "",
    )
    return KafkaSettings(
        bootstrap=kafka.bootstrap,
        prefix=kafka.topic_prefix,
        partitions=kafka.partitions,
        replication=kafka.replication,
        security=security,
        job_transport=kafka.job_transport,
    )


def require_readable(setting: str, path: Path) -> None:
    """Refuse a file that can't be read: the client library wouldn't say which one it was."""
    try:
        path.open("rb").close()
    except OSError as error:
        raise UserError(f"{setting}: {path} can't be read: {error.strerror}") from None


def require_partitions(settings: Settings, log: Log) -> None:
    """Refuse a number of partitions that isn't the one with which the topics were created."""
    there = log.partitions(catalog.EXECUTIONS_INBOX)
    if there != settings.kafka.partitions:
        raise UserError(
            f"the topics have {there} partitions, but kafka.partitions is {settings.kafka.partitions}. The number is "
            f"fixed when topics are created: set kafka.partitions to {there} for every process, or start afresh under "
            "another kafka.topic_prefix"
        )


def open_kafka(settings: Settings) -> KafkaLog:
    """Connect to the cluster.

    Raises:
        LogError: If no broker answers, or our credentials are refused.
    """
    return open_kafka_log(kafka_settings(settings))


def create_topics(settings: Settings) -> TopicsApplied:
    """Create the topics that are missing, and set what differs on those that are there.

    Raises:
        LogError: If the cluster forbids it, or has a topic with another number of partitions.
    """
    return apply_topics(kafka_settings(settings))
