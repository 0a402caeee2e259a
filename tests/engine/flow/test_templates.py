"""What templates read, held against what the flow has."""

from __future__ import annotations

import pytest

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
