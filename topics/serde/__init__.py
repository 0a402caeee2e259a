"""Messages to bytes and back: Avro's single-object encoding, or Confluent's framing where a schema registry is set.

Owns what every reader and writer of the log calls: `encode`, `encode_step`, `decode`, `to_json`, and the table of
messages. A message class is defined once (`topics/messages.py`, `engine/*/commands.py`, `engine/*/events.py`); its
schema is derived from it (`python -m topics.serde.derive`), and its encoder and decoder are generated from both.
"""

from topics.serde.codec import (
    DecodeError,
    EncodeError,
    Registry,
    UnknownSchema,
    decode,
    encode,
    encode_step,
    message_of,
    message_or_none,
    use_registry,
)
from topics.serde.display import to_json
from topics.serde.table import KINDS, MESSAGES

__all__ = [
    "KINDS",
    "MESSAGES",
    "DecodeError",
    "EncodeError",
    "Registry",
    "UnknownSchema",
    "decode",
    "encode",
    "encode_step",
    "message_of",
    "message_or_none",
    "to_json",
    "use_registry",
]
