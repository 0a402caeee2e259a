"""Requests that come again: the same Idempotency-Key is to mean the same request.

Owns what makes two requests the same. An execution that a key started carries the digest of its request as a label, as
nothing else of it says later what was asked: defaults may be the time of day, secrets are sealed, labels are changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from api.forms import DIGEST_BYTES, Form
from api.problems import ApiProblem
from api.projections.render import Row

DIGEST = "system.requestDigest"
"""Clients hide labels of this prefix, people can't set them, and they stay when labels are changed."""


def digest_of(form: Form, secrets: Collection[str], parameters: Mapping[str, Any]) -> str:
    """Return what is the same for the same request.

    Args:
        form: Its fields and files.
        secrets: Fields that don't count: who knows the digest could try values until one fits.
        parameters: What it says besides.
    """
    fields = {name: value for name, value in form.fields.items() if name not in form.files and name not in secrets}
    asked = msgspec.json.encode([fields, form.files, parameters], order="sorted")
    return blake2b(asked, digest_size=DIGEST_BYTES).hexdigest()


def refuse_other(execution: Row, digest: str) -> None:
    """Refuse a request whose key has started an execution for another one.

    Raises:
        ApiProblem: invalid-argument.
    """
    known = msgspec.json.decode(execution[17]).get(DIGEST, digest)
    if known != digest:
        raise ApiProblem(
            "invalid-argument",
            f"Expected the request that this Idempotency-Key has started execution {execution[0]} with, but inputs, "
            "labels or parameters are others: repeat that request to get its execution, or send this one with a key "
            "of its own",
        )
