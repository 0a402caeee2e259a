"""The log on Kafka, as the contract suite takes it."""

from __future__ import annotations

from topics.kafka.client import AdminClient, NewTopic
from topics.kafka.log import KafkaLog, open_kafka_log
from topics.kafka.settings import KafkaSettings, client_properties


class KafkaUnderTest:
    """Makes the suite's topics on a broker, under the prefix of the settings."""

    durable = True
    hands_messages_over = False
    patience_s = 30.0
    instant = False

    def __init__(self, settings: KafkaSettings, partitions: dict[str, int]) -> None:
        self._settings = settings
        self._open: list[KafkaLog] = []
        admin = AdminClient(client_properties(settings))
        topics = [NewTopic(settings.topic(name), count, 1) for name, count in partitions.items()]
        for future in admin.create_topics(topics).values() if topics else ():
            future.result(30)

    def open(self) -> KafkaLog:
        log = open_kafka_log(self._settings)
        self._open.append(log)
        return log

    def finish(self) -> None:
        for log in self._open:
            log.close()
