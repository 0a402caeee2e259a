"""jq's `@` formats: values as text for CSV, HTML, URLs, shells."""

from __future__ import annotations

import base64
import binascii
import html
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from engine.expression.errors import Failure
from engine.expression.jq.values import JqError, kind, shown
from engine.expression.printing import java_text, to_json

if TYPE_CHECKING:
    from engine.expression.state import Run


def formatted(run: Run, name: str, value: Any) -> str:
    """Return a value in a format.

    Raises:
        JqError: If the value can't be written so.
        Failure: If there is no such format.
    """
    if name in ("@csv", "@tsv"):
        return _row(run, name, value)
    if name == "@sh":
        return " ".join(_shell(run, each) for each in (value if isinstance(value, list) else [value]))
    text = to_json(run, value) if name == "@json" else plain_text(run, value)
    run.grow(len(text) * 4)
    match name:
        case "@text" | "@json":
            return text
        case "@html":
            return html.escape(text).replace("&#x27;", "&#39;")
        case "@uri":
            return quote(text, safe="-_.~")
        case "@base64":
            return base64.b64encode(text.encode()).decode()
        case "@base32":
            return base64.b32encode(text.encode()).decode()
        case "@base64d" | "@base32d":
            return _decoded(run, name, text)
    raise Failure(f"jq: there is no format {name}")


def plain_text(run: Run, value: Any) -> str:
    """Return texts as they are and everything else as JSON."""
    return value if isinstance(value, str) else to_json(run, value)


def _decoded(run: Run, name: str, text: str) -> str:
    decode = base64.b64decode if name == "@base64d" else base64.b32decode
    try:
        return decode(text + "=" * (-len(text) % (4 if name == "@base64d" else 8))).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise JqError(f"string ({shown(run, text)}) is not valid base64 data") from None


def _row(run: Run, name: str, value: Any) -> str:
    if not isinstance(value, list):
        raise JqError(f"{kind(value)} ({shown(run, value)}) cannot be {name[1:]}-formatted, only an array can be")
    cells: list[str] = []
    for each in value:
        run.charge(1)
        if isinstance(each, (list, dict)):
            raise JqError(f"{kind(each)} ({shown(run, each)}) is not valid in a {name[1:]} row")
        if not isinstance(each, str):
            cells.append("" if each is None else java_text(run, each))
        elif name == "@csv":
            cells.append('"' + each.replace('"', '""') + '"')
        else:
            cells.append(each.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r"))
    run.grow(sum(map(len, cells)))
    return ("," if name == "@csv" else "\t").join(cells)


def _shell(run: Run, value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise JqError(f"{kind(value)} ({shown(run, value)}) can not be escaped for shell")
    return "'" + value.replace("'", "'\\''") + "'" if isinstance(value, str) else to_json(run, value)
