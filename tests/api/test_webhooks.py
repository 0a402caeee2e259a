from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import FormData

from api.app import create_app
from api.settings import ApiSettings
from tests.api.conftest import Api, MemoryStorage

RETURN = "io.kestra.plugin.core.debug.Return"
WEBHOOK = "io.kestra.plugin.core.trigger.Webhook"
SECRETS = {"HOOK": "s3cret-key"}


def secret(key: str, namespace: str | None = None, subkey: str | None = None) -> str:
    if key not in SECRETS:
        raise ValueError(f"Cannot find secret for key '{key}'")
    return SECRETS[key]


@pytest.fixture
def server(log: Any, settings: ApiSettings, executor: Any) -> Iterator[Api]:
    with Api(log, settings, MemoryStorage(), None) as made:
        yield made


@pytest.fixture
def secretive(log: Any, settings: ApiSettings, executor: Any) -> Iterator[Api]:
    made = Api(log, settings, None, None)
    made._make = lambda: create_app(log, settings, None, secret=secret)
    with made:
        yield made


def hook(api: Api, trigger: str = "key: abc", more: str = "", format: str = "{{ trigger | json }}") -> None:
    indented = "\n".join("    " + line for line in trigger.splitlines())
    source = f"""id: hooked
namespace: demo
labels: {{team: blue}}
tasks:
  - {{id: out, type: {RETURN}, format: '{format}'}}
{more}
triggers:
  - id: hook
    type: {WEBHOOK}
{indented}
"""
    if api.post("/flows", data=source.encode()).status != 200:
        reply = api.call("PUT", "/flows/demo/hooked", data=source.encode())
        assert reply.status == 200, reply.text


def call(api: Api, key: str = "abc", method: str = "POST", query: str = "", **options: Any) -> Any:
    return api.call(method, f"/executions/webhook/demo/hooked/{key}{query}", **options)


def variables(reply: Any) -> Any:
    assert reply.status == 200, reply.text
    return reply.json["trigger"]["variables"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_a_webhook_starts_an_execution_with_the_labels_of_flow_and_trigger(server: Any, method: str) -> None:
    hook(server, 'key: abc\nlabels: {from: "{{ trigger.parameters.who[0] }}"}')

    reply = call(server, method=method, query="?who=ada")

    assert reply.status == 200, reply.text
    labels = {each["key"]: each["value"] for each in reply.json["labels"]}
    assert labels["team"] == "blue" and labels["from"] == "ada" and labels["system.from"] == "trigger"
    assert reply.json["trigger"]["id"] == "hook" and reply.json["trigger"]["type"] == WEBHOOK


@pytest.mark.parametrize(
    ("body", "kind", "seen"),
    [
        (b'{"a": 1, "b": true}', "application/json", {"a": 1, "b": True}),
        (b'[{"a": 1}, 2]', "application/json", [{"a": 1}, 2]),
        (b'{"a": 1}', "text/plain", {"a": 1}),
        (b"bla", "text/plain", "bla"),
        (b"17", "application/json", "17"),
        ("grün".encode("latin-1"), "text/plain; charset=latin-1", "grün"),
        (b"\xff\xfe\x00", "application/octet-stream", "//4A"),
        (b"[" * 5000, "application/json", "[" * 5000),
    ],
)
def test_a_body_is_a_map_or_list_if_it_is_one_in_json_otherwise_its_text(
    server: Any, body: bytes, kind: str, seen: Any
) -> None:
    hook(server)

    assert variables(call(server, data=body, headers={"Content-Type": kind}))["body"] == seen


def test_headers_and_parameters_are_lists_and_without_a_body_there_is_none(server: Any) -> None:
    hook(server)

    seen = variables(call(server, method="GET", query="?age=12&age=13&name=x", headers={"X-Kind": "push"}))

    assert seen["parameters"] == {"age": ["12", "13"], "name": ["x"]}
    assert seen["headers"]["X-Kind"] == ["push"]
    assert "body" not in seen


def test_files_of_a_form_are_stored_and_its_fields_are_lists(server: Any) -> None:
    hook(server)
    form = FormData(quote_fields=False)
    form.add_field("note", "one")
    form.add_field("note", "two")
    form.add_field("data", b"a,b\n", filename="..\\etc\\report 1.csv", content_type="text/csv")

    seen = variables(call(server, data=form))

    assert seen["formFields"] == {"note": ["one", "two"]}
    (part,) = seen["parts"]
    assert (part["name"], part["size"], part["contentType"]) == ("data", 4, "text/csv")
    assert part["uri"].endswith("/trigger/0/report_1.csv") and server.storage.files[part["uri"]] == b"a,b\n"


def test_a_wrong_key_flow_or_namespace_is_answered_alike(server: Any) -> None:
    hook(server)
    addresses = ["demo/hooked/wrong", "demo/other/abc", "else/hooked/abc", "demo/hooked/abc/below", "demo/hooked/abc/"]

    replies = [server.post(f"/executions/webhook/{address}") for address in addresses]

    assert {reply.status for reply in replies} == {404}
    assert len({reply.json["detail"] for reply in replies}) == 1


def test_a_disabled_trigger_is_not_there_and_a_disabled_flow_says_so_to_who_knows_the_key(server: Any) -> None:
    hook(server, "key: abc\ndisabled: true")
    assert call(server).status == 404

    hook(server, more="disabled: true")
    assert call(server).status == 409
    assert call(server, "wrong").status == 404


@pytest.mark.parametrize(
    ("trigger", "held", "missed"),
    [
        ("""key: abc\nwhen: "{{ trigger.body.kind == 'push' }}\"""", {"kind": "push"}, {"kind": "tag"}),
        (
            "key: abc\nconditions:\n  - type: io.kestra.plugin.core.condition.Expression\n"
            "    expression: \"{{ trigger.body.kind == 'push' }}\"",
            {"kind": "push"},
            {"nothing": "of it"},
        ),
    ],
)
def test_conditions_that_do_not_hold_start_nothing(server: Any, trigger: str, held: Any, missed: Any) -> None:
    hook(server, trigger)

    assert call(server, json=held).status == 200
    assert call(server, json=missed).status == 204
    assert server.get("/executions/search?namespace=demo").json["total"] == 1


def test_a_key_may_be_a_template(server: Any) -> None:
    hook(server, 'key: "{{ vars.part }}-{{ flow.id }}"', more="variables: {part: x}")

    assert call(server, "x-hooked").status == 200
    assert call(server, "{{ vars.part }}-{{ flow.id }}").status == 404


def test_a_key_may_be_a_secret_of_the_server(secretive: Any) -> None:
    hook(secretive, "key: \"{{ secret('HOOK') }}\"")
    assert call(secretive, "s3cret-key").status == 200

    hook(secretive, "key: \"{{ secret('GONE') }}\"")
    assert call(secretive, "s3cret-key").status == 404


def test_a_key_that_needs_a_secret_matches_nothing_without_secrets(server: Any) -> None:
    hook(server, "key: \"{{ secret('HOOK') }}\"")

    assert call(server, "s3cret-key").status == 404


INPUTS = """inputs:
  - {id: who, type: STRING}
  - {id: count, type: INT, defaults: 2}
  - {id: all, type: JSON, required: false}"""


def test_inputs_of_the_trigger_are_rendered_and_typed(server: Any) -> None:
    trigger = 'key: abc\ninputs: {who: "{{ trigger.body.who }}", all: "{{ trigger.body }}"}'
    hook(server, trigger, more=INPUTS, format="{{ inputs.who }} {{ inputs.count + 1 }} {{ inputs.all.who }}")

    reply = call(server, json={"who": "ada"})

    executed = server.get(f"/executions/{reply.json['id']}").json
    assert executed["taskRunList"][0]["outputs"]["value"] == "ada 3 ada"
    assert "inputs" not in reply.json


def test_inputs_that_are_missing_or_cannot_be_rendered_start_nothing(server: Any) -> None:
    hook(server, "key: abc", more=INPUTS)
    missing = call(server)
    hook(server, 'key: abc\ninputs: {who: "{{ trigger.body.who }}"}', more=INPUTS)
    unrendered = call(server, json={})

    assert missing.status == 422 and "who" in missing.text
    assert unrendered.status == 422
    assert server.get("/executions/search?namespace=demo").json["total"] == 0


OUTPUTS = "outputs:\n  - {id: answer, type: STRING, value: '{{ outputs.out.value }}'}"


def test_a_waiting_webhook_answers_with_the_outputs_in_the_form_and_with_the_status_that_it_wants(server: Any) -> None:
    hook(server, "key: abc\nwait: true\nreturnOutputs: true", more=OUTPUTS, format="hi")
    as_json = call(server)
    hook(
        server,
        "key: abc\nwait: true\nreturnOutputs: true\nresponseContentType: text/plain\n"
        "responseCode: \"{{ outputs.out.value == 'hi' ? 202 : 400 }}\"",
        more=OUTPUTS,
        format="hi",
    )
    as_text = call(server)

    assert (as_json.status, as_json.json) == (200, {"answer": "hi"})
    assert (as_text.status, as_text.text) == (202, "hi")
    assert as_text.headers["Content-Type"].startswith("text/plain")


def test_a_waiting_webhook_without_outputs_answers_with_the_ended_execution_and_500_if_it_failed(server: Any) -> None:
    hook(server, "key: abc\nwait: true")
    well = call(server)
    hook(server, "key: abc\nwait: true", format="{{ nothing }}")
    badly = call(server)

    assert (well.status, well.json["state"]["current"]) == (200, "SUCCESS")
    assert (badly.status, badly.json["state"]["current"]) == (500, "FAILED")


def test_a_body_beyond_the_limit_is_refused(log: Any, settings: ApiSettings, executor: Any) -> None:
    with Api(log, msgspec.structs.replace(settings, body_bytes_max=2000), MemoryStorage(), None) as small:
        hook(small)

        assert call(small, data=b"x" * 3000).status == 413
