"""TLS and SASL against listeners that speak them."""

from __future__ import annotations

import msgspec
import pytest

from tests.e2e.kafka_broker import Broker, fresh_prefix
from topics.catalog import BY_NAME, LOGS
from topics.kafka.admin import apply_topics
from topics.kafka.log import open_kafka_log
from topics.kafka.settings import KafkaSecurity, KafkaSettings
from topics.ports import FatalLogError

PATIENCE_S = 30.0
SASL, TLS, SASL_TLS = 200, 300, 400
"""The listeners' distances from the plain one; see broker.sh."""


@pytest.fixture
def password(spare_broker: Broker) -> str:
    with open(spare_broker.secret("password")) as file:
        return file.read().strip()


def settings_for(broker: Broker, listener: int, security: KafkaSecurity) -> KafkaSettings:
    return KafkaSettings(
        bootstrap=broker.address(listener), prefix=fresh_prefix(), partitions=1, replication=1, security=security
    )


def goes_round(settings: KafkaSettings) -> bool:
    """Create a topic, write and read a record."""
    apply_topics(settings, [BY_NAME[LOGS]])
    log = open_kafka_log(settings)
    writer, reader = log.writer(), log.reader()
    writer.append(LOGS, 0, b"k", b"v")
    reader.add(LOGS, 0, 0)
    records = reader.poll(1, PATIENCE_S)
    reader.close()
    log.close()
    return [record.value for record in records] == [b"v"]


def test_sasl_lets_the_right_password_in(spare_broker: Broker, password: str) -> None:
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", username="penstock", password=password)

    assert goes_round(settings_for(spare_broker, SASL, security))


def test_a_wrong_password_is_a_fatal_error_that_names_the_user_and_not_the_password(spare_broker: Broker) -> None:
    security = KafkaSecurity(protocol="SASL_PLAINTEXT", username="penstock", password="hunter22")

    with pytest.raises(FatalLogError, match=r"refuses the credentials of 'penstock'.*SASL mechanism") as caught:
        open_kafka_log(settings_for(spare_broker, SASL, security))
    assert "hunter22" not in str(caught.value)


def test_a_mechanism_that_the_broker_does_not_offer_is_a_fatal_error(spare_broker: Broker, password: str) -> None:
    security = KafkaSecurity(
        protocol="SASL_PLAINTEXT", sasl_mechanism="SCRAM-SHA-512", username="penstock", password=password
    )

    with pytest.raises(FatalLogError, match="SASL mechanism"):
        open_kafka_log(settings_for(spare_broker, SASL, security))


def test_tls_with_the_brokers_authority_works(spare_broker: Broker) -> None:
    security = KafkaSecurity(protocol="SSL", ca_file=spare_broker.secret("ca.pem"))

    assert goes_round(settings_for(spare_broker, TLS, security))


def test_tls_with_a_certificate_of_our_own_works(spare_broker: Broker) -> None:
    security = KafkaSecurity(
        protocol="SSL",
        ca_file=spare_broker.secret("ca.pem"),
        certificate_file=spare_broker.secret("client.pem"),
        key_file=spare_broker.secret("client.key"),
    )

    assert goes_round(settings_for(spare_broker, TLS, security))


def test_an_authority_that_did_not_sign_the_broker_is_a_fatal_error(spare_broker: Broker) -> None:
    security = KafkaSecurity(protocol="SSL")

    with pytest.raises(FatalLogError, match="check the CA file"):
        open_kafka_log(settings_for(spare_broker, TLS, security))


def test_sasl_over_tls_works(spare_broker: Broker, password: str) -> None:
    security = KafkaSecurity(
        protocol="SASL_SSL", username="penstock", password=password, ca_file=spare_broker.secret("ca.pem")
    )

    assert goes_round(settings_for(spare_broker, SASL_TLS, security))


def test_plain_text_to_a_tls_port_is_an_error_that_names_the_broker(spare_broker: Broker) -> None:
    settings = settings_for(spare_broker, TLS, KafkaSecurity())

    with pytest.raises(Exception, match=spare_broker.address(TLS)):
        open_kafka_log(msgspec.structs.replace(settings, connect_timeout_ms=500))
