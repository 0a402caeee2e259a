"""A group member in a process of its own, for tests to kill: says what it was assigned, then polls for ever.

member_process.py BOOTSTRAP PREFIX TOPIC GROUP
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from topics.kafka.log import open_kafka_log
from topics.kafka.settings import KafkaSettings


def main(bootstrap: str, prefix: str, topic: str, group: str) -> None:
    log = open_kafka_log(KafkaSettings(bootstrap=bootstrap, prefix=prefix))

    def assigned(pairs: Sequence[tuple[str, int]]) -> None:
        for _, partition in pairs:
            member.start(topic, partition, 0)
        print(len(pairs), flush=True)

    member = log.group(group, [topic], assigned, lambda pairs: None)
    while True:
        member.poll(100, 1.0)


if __name__ == "__main__":
    main(*sys.argv[1:])
