"""What is fuzzed: functions of a text that yield the name of each step before they take it.

Owns what must hold whatever the text is. Each step has its own second.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any

from engine.expression import (
    Budget,
    Dialect,
    NeedsWorld,
    RenderError,
    Scope,
    Template,
    compile_template,
    condition_is_truthy,
    render_value,
)
from engine.flow import Flow, ParsedFlow, parse_flow, parse_flows
from engine.flow.body import flow_to_json
from engine.flow.drawing import graph_svg
from engine.flow.graph import flow_graph
from engine.flow.mermaid import graph_mermaid
from engine.flow.validate import validate_part, validate_results
from tests.fuzz.edits import edits
from tests.fuzz.guard import Target

DEFAULTS: list[dict[str, Any]] = [
    {"type": "io.kestra.plugin.core", "values": {"timeout": "PT1M", "retry": {"type": "constant", "interval": "PT1S"}}},
    {"type": "io.kestra.plugin.core.log.Log", "values": {"level": "WARN", "message": "m"}, "forced": True},
]


def flows(text: str) -> Iterator[str]:
    """Read, check, draw a flow; every problem must have a place in the text, every edge two ends."""
    yield "parse strictly"
    strict = parse_flow(text)
    yield "parse a stored flow"
    stored = parse_flow(text, strict=False)
    yield "parse with defaults"
    parse_flow(text, plugin_defaults=DEFAULTS)
    yield "validate"
    answers = validate_results(text, last_revision=1)
    yield "the answers as JSON"
    json.dumps(answers)
    yield "the body as JSON"
    json.dumps(flow_to_json(text))
    yield "validate a task"
    json.dumps(validate_part(text, "TASKS"))
    yield "validate a trigger"
    json.dumps(validate_part(text, "TRIGGERS"))
    yield "compare"
    assert len(answers) == len(parse_flows(text))
    _check_problems(strict, text)
    if strict.flow is not None:
        assert not strict.errors, "A flow with errors would be saved"
        assert stored.flow == strict.flow, "What is saved isn't what is run"
    if stored.flow is not None:
        yield from _drawings(stored.flow)


def _check_problems(parsed: ParsedFlow, text: str) -> None:
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + text.count("\u2029") + 2
    assert (parsed.flow is None) == bool(parsed.errors), "A flow that isn't there has no reason, or one too many"
    for problem in parsed.problems:
        assert 0 <= problem.line <= lines, f"{problem} is outside of the text"
        assert problem.message and len(str(problem)) < 10_000


def _drawings(flow: Flow) -> Iterator[str]:
    yield "make the graph"
    graph = flow_graph(flow)
    yield "the graph as JSON"
    json.dumps(graph)
    yield "look at the graph"
    uids = {node["uid"] for node in graph["nodes"]}
    for edge in graph["edges"]:
        assert edge["source"] in uids and edge["target"] in uids, "An edge leads nowhere"
    yield "draw it in SVG"
    graph_svg(flow)
    yield "draw it in Mermaid"
    graph_mermaid(flow)


class _Watched(Mapping[str, Any]):
    """Variables that remember which of them were looked up."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


VARIABLES: Mapping[str, Any] = {
    "s": "text",
    "e": "",
    "n": 7,
    "d": 1.5,
    "big": 10**30,
    "t": True,
    "z": None,
    "l": [3, "a", None, 2.5, [1, 2], {"k": 1}],
    "m": {"k": "v", "n": {"x": [1]}, "1": 2, "a b": "c"},
    "date": "2013-09-08T16:19:12.123456+01:00",
    "j": '{"a": [1, {"b": null}]}',
    "tpl": "{{ s }}{{ m.k }}",
    "self": "{{ render(self) }}",
    "inputs": {"name": "Ada", "count": 3, "when": "2024-02-29"},
    "outputs": {"first": {"value": "x", "uri": "kestra:///a.ion"}, "each": {"a": {"value": 1}, "b": {"value": 2}}},
    "taskrun": {"value": "a", "iteration": 0, "startDate": "2024-02-29T00:00:00Z"},
    "vars": {"nested": "{{ inputs.name }}", "list": ["{{ n }}", "y"]},
    "execution": {"id": "5bSWMKNYqBXnUUJnDCLHmx", "startDate": "2024-02-29T00:00:00Z"},
    "flow": {"id": "f", "namespace": "some.team"},
    "trigger": {"date": "2024-02-29T00:00:00Z"},
}
BUDGET = Budget()


def expressions(text: str) -> Iterator[str]:
    """Compile and render in both dialects; the static pass must have named all that is looked up."""
    for dialect in Dialect:
        yield f"compile in {dialect}"
        try:
            template = compile_template(text, dialect)
        except RenderError as error:
            _check_error(error)
            continue
        yield f"what it reads in {dialect}"
        reads = template.reads
        assert all(path and isinstance(path[0], str) for path in reads.paths)
        first = yield from _render(template, dialect)
        second = yield from _render(template, dialect)
        assert first == second, "The same template rendered to something else"
    yield "render it inside of data"
    variables: dict[str, Any] = {"a": [text, {text: text}]}
    try:
        render_value(variables, Scope(VARIABLES, 0), BUDGET)
    except (RenderError, NeedsWorld) as error:
        str(error)


def _render(template: Template, dialect: Dialect) -> Generator[str, None, list[Any]]:
    variables = _Watched(VARIABLES)
    called: set[str] = set()

    def answer(name: str) -> Any:
        def world(**_: Any) -> Any:
            called.add(name)
            return "of the world"

        return world

    world = {name: answer(name) for name in ("kv", "secret", "read")}
    scope = Scope(variables, 1_700_000_000_000, "fuzz", world, dialect)
    said: list[Any] = []
    for how in (template.render, template.evaluate):
        yield f"{how.__name__} in {dialect}"
        try:
            found = how(scope, BUDGET)
        except RenderError as error:
            _check_error(error)
            said.append(error.message)
        except NeedsWorld as error:
            called.add(error.name)
            said.append(error.name)
        else:
            said.append(repr(found))
            if how == template.render:
                assert len(found.encode("utf-8", "surrogatepass")) <= BUDGET.output_bytes
                condition_is_truthy(found)
    reads = template.reads
    if not reads.dynamic:
        unknown = variables.asked - {path[0] for path in reads.paths}
        assert not unknown, f"The static pass doesn't know of {unknown}"
        assert called <= reads.world, f"The static pass doesn't know of {called - reads.world}"
    return said


def _check_error(error: RenderError) -> None:
    assert error.message
    assert error.line >= 0 and error.column >= 0
    assert len(error.known) <= 20


TARGETS: Mapping[str, Target] = {"flows": flows, "expressions": expressions, "edits": edits}
