"""What Kafka's errors mean to Penstock, and what to do about them.

Owns the sentences. Which errors a client mends by itself, and so never shows, is decided here too.
"""

from __future__ import annotations

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException

from topics.kafka.settings import KafkaSettings
from topics.ports import FatalLogError, LogError

REFUSED = frozenset(
    {
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError.UNSUPPORTED_SASL_MECHANISM,
        KafkaError.ILLEGAL_SASL_STATE,
    }
)
UNTRUSTED = frozenset({KafkaError._SSL})
FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    }
)
MISSING = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
OUT_OF_RANGE = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})
UNSUPPORTED = frozenset(
    {
        KafkaError._UNSUPPORTED_FEATURE,
        KafkaError.UNSUPPORTED_VERSION,
    }
)


def cause_of(exception: KafkaException) -> KafkaError:
    """Return the error that an exception of the client carries."""
    error = exception.args[0]
    assert isinstance(error, KafkaError)
    return error


def passes(error: KafkaError) -> bool:
    """Return whether a question may be asked again: its partition is just moving, or was made a moment ago."""
    return error.code() in {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
    }


def topic_missing(name: str) -> FatalLogError:
    """Say that a topic isn't there."""
    return FatalLogError(f"topic {name!r} doesn't exist on the Kafka cluster: create it with `penstock topics apply`")


def unreachable(settings: KafkaSettings, seen: Iterable[KafkaError] = ()) -> LogError:
    """Say why no broker serves us, from the errors that a client met while it tried."""
    where = settings.bootstrap
    errors = list(seen)
    for error in errors:
        if error.code() in REFUSED:
            who = settings.security.username or "an unnamed user"
            return FatalLogError(
                f"the Kafka broker at {where} refuses the credentials of {who!r} ({error.str()}): "
                "check username, password and SASL mechanism in the Kafka security settings"
            )
    for error in errors:
        if error.code() in UNTRUSTED:
            return FatalLogError(
                f"no TLS connection to the Kafka broker at {where} ({error.str()}): check the CA file, "
                "the host name in the broker's certificate, and that the port speaks TLS"
            )
    last = f" ({errors[-1].str()})" if errors else ""
    return LogError(
        f"no Kafka broker answers at {where}{last}: start one (deploy/kafka/broker.sh up, for development), "
        "or correct the bootstrap address in the Kafka settings"
    )


def explain(settings: KafkaSettings, error: KafkaError, doing: str) -> LogError:
    """Return the `LogError` for an error that was met while `doing` something, such as "reading topic x"."""
    code = error.code()
    if code in REFUSED or code in UNTRUSTED:
        return unreachable(settings, [error])
    if code in FORBIDDEN:
        return FatalLogError(
            f"{doing}: the Kafka cluster at {settings.bootstrap} forbids it to {settings.security.username or 'us'!r} "
            f"({error.str()}): grant the missing right"
        )
    if code in MISSING:
        return FatalLogError(f"{doing}: it doesn't exist on the Kafka cluster: create it with `penstock topics apply`")
    if error.fatal():
        return FatalLogError(f"{doing}: {error.str()}")
    return LogError(f"{doing}: {error.str()} (Kafka at {settings.bootstrap}); it is tried again")
