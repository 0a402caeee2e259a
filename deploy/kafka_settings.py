"""Kafka as the settings describe it: connections, and the topics.

Owns the mapping from what an operator sets to what `topics/kafka` takes. Imported only where a cluster is named, so
that nobody else loads the client library.
"""

from __future__ import annotations

from deploy.settings import Settings
from topics.kafka.admin import TopicsApplied, apply_topics
from topics.kafka.log import KafkaLog, open_kafka_log
from topics.kafka.settings import KafkaSecurity, KafkaSettings


def kafka_settings(settings: Settings) -> KafkaSettings:
    """Return what `topics/kafka` takes; `settings.kafka.bootstrap` must be set."""
    kafka = settings.kafka
    assert kafka.bootstrap is not None
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
