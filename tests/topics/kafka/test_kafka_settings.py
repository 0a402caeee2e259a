"""What settings turn into, and what they never show."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from topics.kafka.settings import (
    KafkaSecurity,
    KafkaSettings,
    client_properties,
    consumer_properties,
    doorbell_properties,
    member_properties,
    message_properties,
    share_properties,
    step_properties,
)

SECRETIVE = KafkaSettings(
    security=KafkaSecurity(protocol="SASL_SSL", username="me", password="hunter22", key_password="hunter23"),
    extra={"ssl.keystore.password": "hunter24"},
)
DEPLOY = Path(__file__).parents[3] / "deploy" / "kafka"


def test_secrets_never_show_in_what_is_printed() -> None:
    console = Console(width=500)
    with console.capture() as captured:
        console.print(SECRETIVE, {"nested": SECRETIVE})
    shown = f"{SECRETIVE!r} {SECRETIVE} {SECRETIVE.security} {captured.get()}"

    assert "hunter" not in shown
    assert "username='me'" in shown
    assert "ssl.keystore.password" in shown


def test_a_secret_that_is_not_set_shows_as_not_set() -> None:
    assert "password=''" in repr(KafkaSecurity())


def test_without_encryption_no_security_property_but_the_protocol_is_set() -> None:
    assert KafkaSecurity(ca_file="ca.pem", username="me").properties() == {"security.protocol": "PLAINTEXT"}


def test_tls_and_sasl_are_a_matter_of_settings() -> None:
    security = KafkaSecurity(
        protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        username="me",
        password="hunter22",
        ca_file="ca.pem",
        certificate_file="own.pem",
        key_file="own.key",
        key_password="hunter23",
        verify_host_name=False,
    )

    assert security.properties() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "me",
        "sasl.password": "hunter22",
        "ssl.ca.location": "ca.pem",
        "ssl.certificate.location": "own.pem",
        "ssl.key.location": "own.key",
        "ssl.key.password": "hunter23",
        "ssl.endpoint.identification.algorithm": "none",
    }


def test_an_operators_own_property_wins_over_ours() -> None:
    settings = KafkaSettings(extra={"session.timeout.ms": "9000", "acks": "1"})

    assert member_properties(settings, "g")["session.timeout.ms"] == "9000"
    assert step_properties(settings)["acks"] == "1"


def test_every_topic_and_group_has_the_prefix() -> None:
    settings = KafkaSettings(prefix="ours.")

    assert settings.topic("logs") == "ours.logs"
    assert consumer_properties(settings, "readers")["group.id"] == "ours.readers"


def test_every_client_connects_to_the_same_brokers() -> None:
    assert client_properties(KafkaSettings(bootstrap="a:1,b:2"))["bootstrap.servers"] == "a:1,b:2"


@pytest.mark.parametrize(
    "properties",
    [
        step_properties,
        message_properties,
        doorbell_properties,
        lambda settings: consumer_properties(settings, "g"),
        lambda settings: member_properties(settings, "g"),
        lambda settings: share_properties(settings, "g"),
    ],
)
def test_no_client_believes_for_minutes_in_a_leader_that_has_moved(
    properties: Callable[[KafkaSettings], dict[str, Any]],
) -> None:
    chosen = properties(KafkaSettings())

    assert chosen["topic.metadata.refresh.interval.ms"] <= 30_000
    assert chosen["metadata.max.age.ms"] >= 3 * chosen["topic.metadata.refresh.interval.ms"]
    assert properties(KafkaSettings(extra={"metadata.max.age.ms": "7"}))["metadata.max.age.ms"] == "7"


def test_the_development_brokers_take_the_largest_record() -> None:
    wanted = KafkaSettings().batch_bytes_max
    script = (DEPLOY / "broker.sh").read_text()
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

    assert re.search(r"^message_bytes=(\d+)$", script, re.MULTILINE)[1] == str(wanted)
    assert compose["x-environment"]["KAFKA_MESSAGE_MAX_BYTES"] == f"${{PENSTOCK_KAFKA_MESSAGE_BYTES:-{wanted}}}"


def test_both_development_brokers_have_the_same_settings() -> None:
    environment = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["x-environment"]
    script = (DEPLOY / "broker.sh").read_text()
    ours = dict(re.findall(r"^([a-z][a-z.]+)=(\S+)$", script, re.MULTILINE))
    of_the_engine = {"process.roles", "controller.quorum.voters", "log.dirs"}

    for name, value in environment.items():
        key = name.removeprefix("KAFKA_").lower().replace("_", ".")
        plain = str(value).startswith("$") is False and name.startswith("KAFKA_") and "LISTENER" not in name
        if plain and key != "heap.opts" and key not in of_the_engine:
            assert ours[key] == str(value), key


def test_the_script_and_docker_start_the_same_release_of_kafka() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    version = re.search(r"<kafka.version>(.+)</kafka.version>", (DEPLOY / "pom.xml").read_text())[1]

    assert {service["image"] for service in compose["services"].values()} == {f"apache/kafka:{version}"}
    assert f"apache/kafka:{version}" in (DEPLOY / "broker.sh").read_text()
