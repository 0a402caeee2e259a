"""Filters between texts and their encodings: URL, Base64, digests."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_to_bytes

from engine.expression.errors import Failure
from engine.expression.filters.texts import text_of
from engine.expression.numbers import class_name
from engine.expression.printing import java_text
from engine.expression.registry import Registry

if TYPE_CHECKING:
    from engine.expression.state import Run

FILTERS = Registry()


@FILTERS.add("urlencode")
def _urlencode(run: Run, value: Any) -> Any:
    if value is None:
        return None
    text = text_of(value)
    run.grow(len(text) * 3)
    return quote_plus(text, safe="*", errors="replace").replace("~", "%7E")


@FILTERS.add("urldecode")
def _urldecode(run: Run, value: Any) -> Any:
    if value is None:
        return None
    text = text_of(value)
    run.grow(len(text))
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


@FILTERS.add("base64encode")
def _base64encode(run: Run, value: Any) -> Any:
    if value is None:
        return None
    text = java_text(run, value)
    run.grow(len(text) * 2)
    return base64.b64encode(text.encode("utf-8", "replace")).decode()


@FILTERS.add("base64decode")
def _base64decode(run: Run, value: Any) -> Any:
    if value is None:
        return None
    text = text_of(value)
    run.grow(len(text))
    try:
        # Java's decoder takes a missing padding, but nothing outside the alphabet.
        padded = text + "=" * (-len(text) % 4 if not text.endswith("=") else 0)
        return base64.b64decode(padded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise Failure("expected a text in Base64") from None


def _digest(name: str, algorithm: str) -> None:
    @FILTERS.add(name)
    def apply(run: Run, value: Any) -> Any:
        if value is None:
            return None
        text = java_text(run, value)
        run.charge(len(text) >> 8)
        return hashlib.new(algorithm, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


for _name in ("md5", "sha1", "sha256", "sha512"):
    _digest(_name, _name)


@FILTERS.add("className")
def _class_name(run: Run, value: Any) -> Any:
    return None if value is None else class_name(value)
