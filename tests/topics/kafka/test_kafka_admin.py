"""Topics as the catalogue wants them, on a real broker."""

from __future__ import annotations

import msgspec
import pytest

from topics.catalog import BY_NAME, DAY_MS, EXECUTIONS_EVENTS, EXECUTIONS_SNAPSHOTS, FLOWS_EVENTS, TOPICS, jobs_of
from topics.kafka.admin import apply_topics, describe_topics
from topics.kafka.client import AdminClient, NewTopic
from topics.kafka.settings import KafkaSettings, client_properties
from topics.ports import FatalLogError

JOBS = BY_NAME[jobs_of("default")]
FEW = (BY_NAME[EXECUTIONS_EVENTS], BY_NAME[EXECUTIONS_SNAPSHOTS], BY_NAME[FLOWS_EVENTS])


def create(settings: KafkaSettings, name: str, partitions: int, **config: str) -> None:
    admin = AdminClient(client_properties(settings))
    topic = NewTopic(settings.topic(name), partitions, 1, config={k.replace("_", "."): v for k, v in config.items()})
    admin.create_topics([topic], operation_timeout=30)[topic.topic].result(30)


def test_missing_topics_are_created_as_the_table_says(kafka_settings: KafkaSettings) -> None:
    applied = apply_topics(kafka_settings)
    states = {state.name: state for state in describe_topics(kafka_settings)}

    assert set(applied.created) == set(BY_NAME)
    assert applied.changed == {}
    for topic in TOPICS:
        state = states[topic.name]
        wanted = kafka_settings.partitions if topic.sharded and topic is not JOBS else 1
        assert (state.exists, state.partitions, state.replication) == (True, wanted, 1), topic.name
        assert state.settings["cleanup.policy"] == ("compact" if topic.compacted else "delete")
        assert state.settings["max.message.bytes"] == str(kafka_settings.batch_bytes_max)
        assert state.settings["message.timestamp.type"] == "LogAppendTime"
        assert state.settings["min.insync.replicas"] == "1"
    assert states[EXECUTIONS_SNAPSHOTS].settings["min.compaction.lag.ms"] == str(DAY_MS)
    assert states[EXECUTIONS_EVENTS].settings["retention.ms"] == str(30 * DAY_MS)
    assert states[FLOWS_EVENTS].settings["retention.ms"] == "-1"


def test_applying_again_changes_nothing(kafka_settings: KafkaSettings) -> None:
    apply_topics(kafka_settings, FEW)
    again = apply_topics(kafka_settings, FEW)

    assert (again.created, again.changed) == ((), {})
    assert set(again.unchanged) == {topic.name for topic in FEW}


def test_a_topic_that_is_not_there_is_described_as_missing(kafka_settings: KafkaSettings) -> None:
    assert [state.exists for state in describe_topics(kafka_settings, FEW)] == [False, False, False]


def test_settings_that_differ_are_set(kafka_settings: KafkaSettings) -> None:
    create(kafka_settings, EXECUTIONS_EVENTS, 2, retention_ms="1000")
    applied = apply_topics(kafka_settings, FEW[:1])

    assert applied.changed[EXECUTIONS_EVENTS]["retention.ms"] == str(30 * DAY_MS)
    assert describe_topics(kafka_settings, FEW[:1])[0].settings["retention.ms"] == str(30 * DAY_MS)
    assert apply_topics(kafka_settings, FEW[:1]).changed == {}


def test_another_number_of_partitions_is_refused_with_the_remedy_and_nothing_is_changed(
    kafka_settings: KafkaSettings,
) -> None:
    apply_topics(kafka_settings, FEW[:1])
    other = msgspec.structs.replace(kafka_settings, partitions=3)

    with pytest.raises(FatalLogError, match=r"has 2 partitions, but the settings say 3.*set kafka\.partitions to 2"):
        apply_topics(other, FEW)
    assert [state.exists for state in describe_topics(kafka_settings, FEW)] == [True, False, False]


def test_an_unsharded_topic_with_several_partitions_is_refused(kafka_settings: KafkaSettings) -> None:
    create(kafka_settings, FLOWS_EVENTS, 2)

    with pytest.raises(FatalLogError, match="has 2 partitions, but the settings say 1"):
        apply_topics(kafka_settings, FEW)


def test_more_copies_than_brokers_are_refused_with_the_remedy(kafka_settings: KafkaSettings) -> None:
    with pytest.raises(FatalLogError, match=r"50 copies.*set kafka\.replication"):
        apply_topics(msgspec.structs.replace(kafka_settings, replication=50), FEW)


@pytest.mark.parametrize(("transport", "partitions"), [("auto", 1), ("share", 1), ("classic", 2)])
def test_a_job_queue_has_the_partitions_that_its_transport_needs(
    kafka_settings: KafkaSettings, transport: str, partitions: int
) -> None:
    settings = msgspec.structs.replace(kafka_settings, job_transport=transport)
    apply_topics(settings, [JOBS])

    assert describe_topics(settings, [JOBS])[0].partitions == partitions


def test_a_job_queue_grows_when_a_classic_group_takes_from_it_and_never_shrinks(kafka_settings: KafkaSettings) -> None:
    apply_topics(kafka_settings, [JOBS])
    classic = msgspec.structs.replace(kafka_settings, job_transport="classic")

    assert apply_topics(classic, [JOBS]).changed == {JOBS.name: {"partitions": "2"}}
    assert apply_topics(kafka_settings, [JOBS]).changed == {}
    assert describe_topics(kafka_settings, [JOBS])[0].partitions == 2
