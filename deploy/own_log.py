"""How Penstock writes about itself: one line per record, text or JSON, without secrets.

Owns the formats and the redaction. Logs of task runs are records of the log and never pass here.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

REDACTED = "[secret]"
SECRET_CHARACTERS_MIN = 4
"""Shorter secrets aren't searched for: a password of `a` would blacken every word."""
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""Attributes that every record has; what goes beyond them was given as `extra` and is printed as key=value."""


def configure_logging(level: str, format: str, secrets: Sequence[str] = (), stream: TextIO | None = None) -> None:
    """Send all records to one stream, each as one line.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        format: text, json, or auto: text if the stream is a terminal.
        secrets: Values that are replaced wherever they occur.
        stream: Standard error if None.
    """
    target = stream or sys.stderr
    as_text = format == "text" or (format == "auto" and target.isatty())
    handler = logging.StreamHandler(target)
    handler.setFormatter(OneLine(as_text, tuple(s for s in secrets if len(s) >= SECRET_CHARACTERS_MIN)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("aiohttp.access").setLevel(level if level == "DEBUG" else "WARNING")
    logging.captureWarnings(True)


class OneLine(logging.Formatter):
    """Makes one line of a record; an exception becomes its type, its message and where it came from."""

    def __init__(self, as_text: bool, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self.as_text = as_text
        self.secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, secrets blackened."""
        fields = {key: value for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            fields["error"] = in_one_line(record.exc_info[1])
        line = self.text(record, fields) if self.as_text else self.json(record, fields)
        for secret in self.secrets:
            line = line.replace(secret, REDACTED)
        return line

    def text(self, record: logging.LogRecord, fields: dict[str, object]) -> str:
        """Return the form for people: local time, level, logger, message, key=value."""
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S.%f")[:-3]
        extra = "".join(f" {key}={value}" for key, value in fields.items())
        message = f"{record.getMessage()}{extra}".replace("\n", "\\n")
        return f"{at} {record.levelname:<7} {record.name:<18} {message}"

    def json(self, record: logging.LogRecord, fields: dict[str, object]) -> str:
        """Return the form for programs: one object, time in UTC."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"at": at, "level": record.levelname, "logger": record.name, "message": record.getMessage(), **fields}
        return json.dumps(line, default=str, ensure_ascii=False)


def in_one_line(error: BaseException) -> str:
    """Return `Type: message (innermost < … < outermost)`, the places being file:line of at most eight frames."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    way = " < ".join(f"{'/'.join(Path(frame.filename).parts[-2:])}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__}: {error}" + (f" ({way})" if way else "")
