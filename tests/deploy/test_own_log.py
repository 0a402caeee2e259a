"""What Penstock writes about itself."""

from __future__ import annotations

import io
import json
import logging

from deploy.own_log import configure_logging


def test_a_record_is_one_line_with_its_fields() -> None:
    stream = io.StringIO()
    configure_logging("INFO", "text", stream=stream)

    logging.getLogger("executor.loop").info("claimed\nit", extra={"partition": 3})

    line = stream.getvalue()
    assert line.count("\n") == 1
    assert line.endswith("executor.loop      claimed\\nit partition=3\n")


def test_json_is_the_form_for_programs() -> None:
    stream = io.StringIO()
    configure_logging("INFO", "auto", stream=stream)

    logging.getLogger("api").warning("slow %s", "view", extra={"ms": 12})

    line = json.loads(stream.getvalue())
    assert (line["level"], line["logger"], line["message"], line["ms"]) == ("WARNING", "api", "slow view", 12)
    assert line["at"].endswith("Z")


def test_an_exception_stays_on_its_line_with_the_places_it_went_through() -> None:
    stream = io.StringIO()
    configure_logging("INFO", "text", stream=stream)

    try:
        raise ValueError("no\nway")
    except ValueError:
        logging.getLogger("worker").exception("task lost")

    assert stream.getvalue().count("\n") == 1
    assert "error=ValueError: no\\nway (deploy/test_own_log.py:" in stream.getvalue()


def test_a_secret_is_blackened_wherever_it_occurs() -> None:
    stream = io.StringIO()
    configure_logging("INFO", "text", secrets=["hunter22"], stream=stream)

    logging.getLogger("topics").error("refused", extra={"url": "kafka://me:hunter22@broker"})

    assert "hunter22" not in stream.getvalue()
    assert "kafka://me:[secret]@broker" in stream.getvalue()
