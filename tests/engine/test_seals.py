"""SECRET inputs stay closed in the engine and open with their key alone."""

from __future__ import annotations

import base64

import msgspec
import pytest

from engine.execution.job import job_from_json, job_to_json
from engine.expression import NeedsWorld
from engine.flow.model import Input
from engine.seals import Closed, seal, secret_names, text_of_sealed, unsealed
from engine.values import State
from tests.engine.execution.driven import Driven

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(32)).decode()
SEALED = seal(KEY, "hush", 1)
FLOW = """
id: flow
namespace: test
inputs: [{id: pw, type: SECRET}, {id: n, type: INT}]
tasks:
"""


def test_a_sealed_value_opens_with_its_key_alone() -> None:
    assert SEALED["type"] == "io.kestra.datatype:aes_encrypted"
    assert "hush" not in SEALED["value"]
    assert seal(KEY, "hush", 2) != SEALED
    assert text_of_sealed(KEY, SEALED["value"]) == "hush"
    with pytest.raises(ValueError, match="wasn't encrypted with this key"):
        text_of_sealed(OTHER, SEALED["value"])
    with pytest.raises(ValueError, match="16, 24 or 32 bytes"):
        seal("AAAA", "hush", 1)


def test_sealed_values_are_found_wherever_they_are() -> None:
    value = {"a": SEALED, "b": [{"c": SEALED}], "type": "x", "n": 1}
    assert unsealed(value, lambda _: "!") == {"a": "!", "b": [{"c": "!"}], "type": "x", "n": 1}


def test_a_closed_map_gives_what_is_no_secret() -> None:
    inputs = Closed({"pw": SEALED, "n": 3, "deep": {"pw": SEALED, "m": 4}})
    assert (inputs["n"], inputs["deep"]["m"], len(inputs), "pw" in list(inputs)) == (3, 4, 3, True)
    for read in (lambda: inputs["pw"], lambda: inputs["deep"]["pw"], lambda: dict(inputs)):
        with pytest.raises(NeedsWorld, match="SECRET input"):
            read()


def test_secrets_are_known_by_the_first_part_of_their_names() -> None:
    form = Input(id="form", type="FORM", properties={"inputs": [{"id": "x", "type": "SECRET"}]})
    inputs = [Input(id="a", type="STRING"), Input(id="b.c", type="SECRET"), form]
    assert secret_names(inputs) == {"b", "form"}


@pytest.mark.parametrize(
    "task",
    [
        '{id: t, type: Return, format: "{{ inputs.pw }}"}',
        '{id: t, type: Return, format: "{{ inputs.pw == 1 ? 2 : 3 }}"}',
        '{id: t, type: Return, format: "{{ inputs }}"}',
        '{id: t, type: Return, format: "{{ inputs.n }}", runIf: "{{ inputs.pw == 1 }}"}',
        '{id: t, type: If, condition: "{{ inputs.pw }}", then: [{id: u, type: Return, format: x}]}',
    ],
)
def test_whatever_reads_a_secret_is_asked_of_a_worker(task: str) -> None:
    run = Driven(FLOW + f"- {task}\n", {"pw": SEALED, "n": 3}).create()
    job = run.claim("t")
    assert job is not None
    assert job_from_json(job_to_json(job)).variables["inputs"] == {"pw": SEALED, "n": 3}


def test_what_reads_other_inputs_is_decided_by_the_engine() -> None:
    run = Driven(FLOW + '- {id: t, type: Return, format: "{{ inputs.n }}"}\n', {"pw": SEALED, "n": 3}).create()
    assert (run.state, run.value("t")) == (State.SUCCESS, "3")
    assert b"hush" not in msgspec.json.encode(SEALED)
