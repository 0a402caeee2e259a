"""A process that appends until it is killed, and says on stdout what was acknowledged.

Every record carries the next number of one sequence over all topics, so that a reader can tell whether what is left is
an exact prefix. Run: appending_child.py DIRECTORY FIRST_NUMBER SEED
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

from topics.embedded.rocks import open_embedded_log
from topics.embedded.rules import TopicRules

PLACES = [("a", 0), ("b", 0), ("b", 1)]


def main(directory: Path, number: int, seed: int) -> None:
    dice = random.Random(seed)
    log = open_embedded_log(directory, TopicRules({"a": 1, "b": 2}))
    writer = log.writer()
    while True:
        for _ in range(dice.randrange(1, 20)):
            topic, partition = dice.choice(PLACES)
            value = b"%d " % number + dice.randbytes(dice.randrange(400))
            writer.append(topic, partition, b"k", value, durable=dice.random() < 0.3, context=number)
            number += 1
        lines = [f"{ack.topic} {ack.partition} {ack.offset} {ack.context}\n" for ack in writer.poll(0.001)]
        if lines:
            os.write(1, "".join(lines).encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
