"""What templates read, held against what the flow has."""

from __future__ import annotations

import pytest

from engine.flow import parse_flow
from tests.engine.flow.flows import CORE, problems, read, sound

BODY = """
inputs: [{{id: name, type: STRING}}, {{id: db.host, type: STRING}}, {{id: with-dash, type: STRING}}]
variables: {{v: 1}}
tasks:
  - {{id: ret, type: io.kestra.plugin.core.debug.Return, format: x}}
  - {{id: log, type: io.kestra.plugin.core.log.Log, message: x}}
  - {{id: script, type: io.kestra.plugin.scripts.shell.Commands, commands: [x]}}
  - {{id: plugin, type: com.acme.Plugin}}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1]
    tasks: [{{id: inner, type: io.kestra.plugin.core.debug.Return, format: x}}]
  - {{id: last, type: io.kestra.plugin.core.debug.Return, format: {template!r}}}
"""


def rules(template: str) -> list[str]:
    body = BODY.format(template=template)
    found = [p for p in read(body, tasks=False).problems if p.path.startswith("tasks[last]")]
    return [problem.rule for problem in found]


@pytest.mark.parametrize(
    "template",
    [
        "no template",
        "{{ inputs.name }} and {{inputs.db.host}}",
        "{{ inputs['with-dash'] }}",
        "{{ vars.v }}",
        "{{ outputs.ret.value }}",
        "{{ outputs['ret'].value | upper }}",
        "{{ outputs.script.vars.anything.at.all }}",
        "{{ outputs.plugin.unknown }}",
        "{{ outputs.inner['1'].value }}",
        "{{ outputs[taskrun.value] }}",
        "{{ tasks.ret.state }}",
        "{{ execution.id }}{{ flow.namespace }}{{ taskrun.value }}{{ labels.a.b }}{{ trigger.date }}",
        "{% for x in outputs.script.vars.list %}{{ x }}{{ loop.index }}{% endfor %}",
        "{{ inputs.name == 'a' ? true : false }}",
        "{{- inputs.name -}}",
    ],
)
def test_what_the_flow_has_is_read_without_a_word(template: str) -> None:
    assert rules(template) == []


@pytest.mark.parametrize(
    ("template", "rule"),
    [
        ("{{ inputs.nam }}", "unknown-input"),
        ("{{ inputs.nam | upper }}", "unknown-input"),
        ("{{ vars.w }}", "unknown-variable"),
        ("{{ outputs.rat.value }}", "unknown-task"),
        ("{{ tasks.rat.state }}", "unknown-task"),
        ("{{ outputs.ret.valu }}", "unknown-output"),
        ("{{ outputs.log.value }}", "unknown-output"),
        ("{{ outputs.script.stdout }}", "unknown-output"),
        ("{{ somewhere }}", "unknown-variable"),
        ("{{ inputs.db.port }}", "unknown-input"),
        ("{{ secret.KEY }}", "unknown-variable"),
        ("{{ vars.v | uper }}", "expression-call"),
        ("{{ upper(vars.v) }}", "expression-call"),
        ("{{ vars.v is od }}", "expression-call"),
        ("{{ vars.v | replace }}", "expression-call"),
        ("{{ vars.v | date(fromat='yyyy') }}", "expression-call"),
        ("{{ vars.v == }}", "expression-syntax"),
        ("{{ inputs.name ", "expression-syntax"),
        ("{{ inputs.name ?? inputs.nam }}", "unknown-input"),
        ("{{ outputs.ret.value | default(inputs.nam) }}", "unknown-input"),
    ],
)
def test_what_the_flow_has_not_is_a_warning_with_a_rule_of_its_own(template: str, rule: str) -> None:
    assert rules(template) == [rule]


def test_the_nearest_name_is_suggested() -> None:
    (found,) = [
        p
        for p in read(BODY.format(template="{{ inputs.nam }}"), tasks=False).problems
        if p.severity == "warning" and p.rule == "unknown-input"
    ]

    assert found.hint == "Did you mean 'name'?"


def test_a_dash_behind_a_dot_is_an_error_only_if_it_is_an_id() -> None:
    assert rules("{{ inputs.with-dash }}")[0] == "dash"
    assert "dash" not in rules("{{ outputs.ret.value-1 }}")


@pytest.mark.parametrize(
    ("written", "line", "marked"),
    [
        ('"a {{ vars.v }} {{ inputs.nope }}"', 1, "inputs.nope"),
        ("a {{ vars.v }} {{ inputs['nope'] }}", 1, "nope'"),
        ("|\n      first\n      then {{ outputs.nope.x }}", 3, "outputs.nope"),
        ("|\n      {{ vars.v }}\n      {{ vars.v | uper }}", 3, "uper"),
        ("|\n      first\n      {{ vars.v == }}", 3, "}}"),
        ('"a\\tb {{ inputs.nope }}"', 1, '"a'),
        (">\n      joined\n      lines {{ inputs.nope }}", 1, ">"),
    ],
)
def test_a_warning_points_at_the_place_in_the_template(written: str, line: int, marked: str) -> None:
    source = f"id: f\nnamespace: a.b\nvariables: {{v: 1}}\ntasks:\n  - id: t\n    type: {CORE}log.Log\n    message: "
    (found,) = [p for p in parse_flow(source + written).problems if p.severity == "warning"]

    assert found.line == source.count("\n") + line
    assert (source + written).split("\n")[found.line - 1][found.column - 1 :].startswith(marked)


def test_children_of_a_form_are_inputs_below_it() -> None:
    body = f"""
inputs: [{{id: form, type: FORM, inputs: [{{id: host, type: STRING}}]}}]
tasks:
  - {{id: a, type: {CORE}debug.Return, format: "{{{{ inputs.form.host }}}} {{{{ inputs.form }}}}"}}
  - {{id: b, type: {CORE}debug.Return, format: "{{{{ inputs.form.hots }}}}"}}
"""
    (found,) = problems(body, tasks=False, severity="warning")

    assert (found.message, found.hint) == ("The flow has no input 'form.hots'", "Did you mean 'host'?")


def test_every_other_text_that_is_rendered_is_checked_too() -> None:
    body = f"""
inputs: [{{id: a, type: STRING, defaults: x, dependsOn: {{condition: "{{{{ vars.no }}}}"}}}}]
variables: {{v: "{{{{ inputs.no }}}}"}}
labels: {{l: "{{{{ inputs.no }}}}"}}
checks: [{{condition: "{{{{ inputs.no }}}}", message: m}}]
sla: [{{id: s, type: EXECUTION_ASSERTION, behavior: FAIL, assert: "{{{{ outputs.no.x }}}}"}}]
triggers:
  - id: t
    type: {CORE}trigger.Schedule
    cron: "@daily"
    inputs: {{a: "{{{{ outputs.of_another_flow.x }}}}{{{{ nowhere }}}}"}}
    conditions: [{{type: {CORE}condition.Expression, expression: "{{{{ trigger.date | dat }}}}"}}]
"""
    found = {(p.rule, p.path) for p in problems(body, severity="warning")}

    assert found == {
        ("unknown-variable", "inputs[a].dependsOn.condition"),
        ("unknown-input", "variables.v"),
        ("unknown-input", "labels.l"),
        ("unknown-input", "checks[0].condition"),
        ("unknown-task", "sla[s].assert"),
        ("unknown-variable", "triggers[t].inputs.a"),
        ("expression-call", "triggers[t].conditions[0].expression"),
    }


def test_variables_that_a_task_sets_are_known() -> None:
    body = f"""
tasks:
  - {{id: set, type: {CORE}execution.SetVariables, variables: {{fresh: 1}}}}
  - {{id: use, type: {CORE}debug.Return, format: "{{{{ vars.fresh }}}} {{{{ vars.stale }}}}"}}
"""
    assert [p.message for p in problems(body, tasks=False, severity="warning")] == ["The flow has no variable 'stale'"]


def test_templates_of_outputs_inputs_and_conditions_are_checked_too() -> None:
    body = f"""
inputs: [{{id: a, type: STRING, defaults: "{{{{ vars.no }}}}"}}]
outputs: [{{id: o, type: JSON, value: {{deep: ["{{{{ outputs.no.x }}}}"]}}}}]
tasks:
  - id: i
    type: {CORE}flow.If
    condition: "{{{{ inputs.no }}}}"
    runIf: "{{{{ tasks.no.state }}}}"
    then: [{{id: b, type: {CORE}debug.Return}}]
"""
    found = {(p.rule, p.path) for p in problems(body, tasks=False, severity="warning")}

    assert found == {
        ("unknown-variable", "inputs[a].defaults"),
        ("unknown-task", "outputs[o].value.deep[0]"),
        ("unknown-input", "tasks[i].condition"),
        ("unknown-task", "tasks[i].runIf"),
    }


def test_records_of_a_filter_bring_their_own_variables() -> None:
    sound(
        f"tasks: [{{id: f, type: {CORE}storage.FilterItems, from: x, filterCondition: '{{{{ age > 3 }}}}'}}]",
        tasks=False,
    )
    body = f"tasks: [{{id: f, type: {CORE}storage.FilterItems, from: x, filterCondition: '{{{{ age > 3 }}}}'}}]"

    assert problems(body, tasks=False, severity="warning") == []


def test_the_parts_of_a_split_loop_have_outputs() -> None:
    loop = f"{{id: each, type: {CORE}flow.ForEachItem, items: x, namespace: a, flowId: b}}"
    body = (
        f"tasks: [{loop}, {{id: u, type: {CORE}debug.Return, format: '{{{{ outputs.each_merge.subflowOutputs }}}}'}}]"
    )

    assert problems(body, tasks=False, severity="warning") == []
