"""What saving a flow refuses, warns of and remarks on."""

from __future__ import annotations

import pytest

from tests.engine.flow.flows import CORE, log, problems, sound, the_problem

ERRORS = [
    # ids and names
    ("tasks: [LOG(a), LOG(a)]", "duplicate-id", "Duplicate task id with name [a]"),
    ("tasks: [LOG(a)]\nerrors: [{id: s, type: flow.Sequential, tasks: [LOG(a)]}]", "duplicate-id", "[a]"),
    ("tasks: [LOG(a.b)]", "pattern", "'a.b' is no valid id"),
    ("TASK\ninputs: [{id: a, type: STRING}, {id: a, type: INT}]", "duplicate-id", "Duplicate input with name [a]"),
    ("TASK\noutputs: [{id: a, type: INT, value: 1}, {id: a, type: INT, value: 1}]", "duplicate-id", "output"),
    ("TASK\nlabels: {system.x: y}", "system-label", "system.x=y"),
    ("TASK\nlabels: {Upper: y}", "labels", "lower-case"),
    ("TASK\nlabels: {a: ''}", "labels", "empty"),
    ("TASK\nlabels: {a: [1]}", "labels", "a list"),
    # flowables
    ("tasks: [{id: s, type: flow.Sequential, tasks: []}]", "required", "'tasks' property cannot be empty"),
    ("tasks: [{id: s, type: flow.ForEach, values: [1]}]", "required", "'tasks' property cannot be empty"),
    ("tasks: [{id: s, type: flow.Switch, value: a}]", "required", "No task defined"),
    ("tasks: [{id: d, type: flow.Dag, tasks: [{task: LOG(a), dependsOn: [b]}]}]", "dag", "Not existing task id 'b'"),
    (
        "tasks: [{id: d, type: flow.Dag, tasks: [{task: LOG(a), dependsOn: [b]}, {task: LOG(b), dependsOn: [a]}]}]",
        "dag",
        "Cyclic dependency detected: a -> b -> a",
    ),
    ("tasks: [{id: d, type: flow.Dag, tasks: [{dependsOn: []}]}]", "required", "'task' of a Dag's item"),
    (
        "tasks: [{id: w, type: flow.WorkingDirectory, tasks: [{id: s, type: flow.Sequential, tasks: [LOG(a)]}]}]",
        "working-directory",
        "Only runnable tasks",
    ),
    (
        "tasks: [{id: w, type: flow.WorkingDirectory, tasks: [{id: s, type: flow.Subflow, namespace: a, flowId: b}]}]",
        "working-directory",
        "'s' is an executable task",
    ),
    ("tasks: [{id: w, type: flow.WorkingDirectory}]", "required", "'tasks' property"),
    ("tasks: [{id: w, type: flow.WorkingDirectory, tasks: []}]", "required", "'tasks' property cannot be empty"),
    (
        "tasks: [{id: w, type: flow.WorkingDirectory, tasks: [{id: a, type: debug.Return, workerGroup: {key: g}}]}]",
        "working-directory",
        "worker group of its own",
    ),
    ("tasks: [{id: w, type: flow.WorkingDirectory, cache: {}, tasks: [LOG(a)]}]", "required", "'patterns'"),
    (
        "tasks: [{id: w, type: flow.WorkingDirectory, cache: {patterns: ['*'], ttl: soon}, tasks: [LOG(a)]}]",
        "type-mismatch",
        "a duration",
    ),
    (
        "tasks: [{id: w, type: flow.WorkingDirectory, cache: {pattern: ['*']}, tasks: [LOG(a)]}]",
        "unknown-property",
        "patterns",
    ),
    ("tasks: [{id: s, type: flow.Subflow, namespace: some.team, flowId: one}]", "recursion", "[some.team.one]"),
    (
        "tasks: [{id: f, type: flow.ForEach, values: [1], concurrencyLimit: '{{ 1 }}', tasks: [LOG(a)]}]",
        "type-mismatch",
        "",
    ),
    ("tasks: [{id: s, type: flow.Subflow, namespace: a, flowId: b, revision: 0}]", "range", "at least 1"),
    ("tasks: [{id: p, type: flow.Pause, behavior: STOP}]", "choice", "RESUME, WARN, FAIL, CANCEL"),
    ("tasks: [{id: p, type: flow.Pause, onResume: [{id: a, type: WHAT}]}]", "unknown-type", "Invalid type: WHAT"),
    # single tasks
    ("tasks: [{id: a, type: log.Log}]", "required", "the 'message' property must be set"),
    ("tasks: [{id: a, type: log.Log, message: x, level: LOUD}]", "choice", "TRACE, DEBUG"),
    ("tasks: [{id: a, type: flow.Sleep, duration: soon}]", "type-mismatch", "a duration"),
    ("tasks: [{id: a, type: debug.Return, format: [x]}]", "type-mismatch", "Expected a text, but found a list"),
    ("tasks: [{id: a, type: debug.Return, timeout: soon}]", "duration", "PT30S"),
    ("tasks: [{id: a, type: debug.Return, timeout: PT0S}]", "duration", "above zero"),
    ("tasks: [{id: a, type: debug.Return, disabled: '{{ 1 }}'}]", "type-mismatch", "true or false"),
    ("tasks: [{id: a, type: debug.Return, logLevel: x}]", "choice", "TRACE"),
    ("tasks: [{id: a, type: debug.Return, taskCache: {}}]", "required", "'enabled'"),
    (
        "tasks: [{id: a, type: debug.Return, format: '{{ inputs.a-b }}'}]\ninputs: [{id: a-b, type: INT}]",
        "dash",
        "inputs.a-b",
    ),
    ("tasks: [LOG(a-b), {id: c, type: debug.Return, format: '{{ outputs.a-b.x }}'}]", "dash", "bracket"),
    # retry
    ("TASK\nretry: {type: constant}", "required", "'interval' of a constant retry"),
    ("TASK\nretry: {interval: PT1S}", "required", "'type' of a retry"),
    ("TASK\nretry: {type: constant, interval: PT2S, maxDuration: PT1S}", "retry", "less than 'maxDuration'"),
    ("TASK\nretry: {type: exponential, interval: PT2S, maxInterval: PT1S}", "retry", "less than 'maxInterval'"),
    ("TASK\nretry: {type: random, minInterval: PT2S, maxInterval: PT1S}", "retry", "'minInterval'"),
    ("TASK\nretry: {type: constant, interval: PT1S, maxAttempts: 0}", "range", "at least 1"),
    ("TASK\nretry: {type: constant, interval: PT1S, attempts: 3}", "unknown-property", "'attempts'"),
    # inputs
    ("TASK\ninputs: [{id: a, type: TEXT}]", "unknown-type", "Invalid type: TEXT"),
    ("TASK\ninputs: [{id: a, type: INT, validator: x}]", "unknown-property", "'validator' of an input of type INT"),
    ("TASK\ninputs: [{id: a, type: STRING, validator: '('}]", "input-validator", "Invalid pattern [(]"),
    ("TASK\ninputs: [{id: a, type: STRING, defaults: x, required: false}]", "input-default", "required: false"),
    ("TASK\ninputs: [{id: a, type: STRING, defaults: x, prefill: y}]", "input-default", "prefill"),
    ("TASK\ninputs: [{id: a, type: FILE, defaults: x}]", "input-default", "nsfile:"),
    ("TASK\ninputs: [{id: a, type: ARRAY}]", "required", "'itemType'"),
    ("TASK\ninputs: [{id: a, type: ARRAY, itemType: SECRET}]", "item-type", "cannot be SECRET"),
    ("TASK\ninputs: [{id: a, type: INT, dependsOn: {inputs: [b]}}]", "input-dependency", "non-existent input 'b'"),
    (
        "TASK\ninputs: [{id: a, type: INT, dependsOn: {inputs: [b]}}, {id: b, type: INT, dependsOn: {inputs: [a]}}]",
        "input-dependency",
        "a -> b -> a",
    ),
    ("TASK\ninputs: [{id: a, type: INT}, {id: a.b, type: INT}]", "input-nesting", "inside of input 'a'"),
    ("TASK\ninputs: [{id: a, type: INT, min: few}]", "type-mismatch", "type INT, but found the text 'few'"),
    ("TASK\ninputs: [{id: a, type: TIME, before: noon}]", "type-mismatch", "type TIME"),
    ("TASK\ninputs: [{id: f, type: FORM}]", "required", "'inputs' property cannot be empty"),
    ("TASK\ninputs: [{id: f, type: FORM, inputs: [{id: a, type: TEXT}]}]", "unknown-type", "Invalid type: TEXT"),
    (
        "TASK\ninputs: [{id: f, type: FORM, inputs: [{id: a, type: INT}, {id: a, type: INT}]}]",
        "duplicate-id",
        "Duplicate input with name [a]",
    ),
    (
        "TASK\ninputs: [{id: f, type: FORM, inputs: [{id: g, type: FORM, inputs: [{id: a, type: INT}]}]}]",
        "input-nesting",
        "can't hold another form",
    ),
    (
        "TASK\ninputs: [{id: f, type: FORM, inputs: [{id: a, type: INT}]}, {id: f.a, type: INT}]",
        "input-nesting",
        "'f.a' is there already",
    ),
    # limits
    ("TASK\nconcurrency: {behavior: FAIL}", "required", "'limit'"),
    ("TASK\nconcurrency: {limit: 0}", "range", "at least 1"),
    ("TASK\nconcurrency: {limit: 1, behavior: WAIT}", "choice", "QUEUE, CANCEL, FAIL"),
    ("TASK\nsla: [{id: a, type: MAX_DURATION, behavior: FAIL}]", "required", "'duration' of an SLA"),
    (
        "TASK\nsla: [{id: a, type: EXECUTION_ASSERTION, behavior: FAIL, assert: x, duration: 1}]",
        "unknown-property",
        "duration",
    ),
    ("TASK\nchecks: [{message: m}]", "required", "'condition' of a check"),
    ("TASK\nquotas: [{duration: PT1S, limit: 1}]", "range", "one minute"),
    ("TASK\nworkerSelector: {match: ANY}", "worker-selector", "need 'tags'"),
    (
        "tasks: [{id: a, type: debug.Return, workerSelector: {fallback: WAIT}}]",
        "worker-selector",
        "need 'tags'",
    ),
    ("tasks: [{id: a, type: debug.Return, workerGroup: {key: a, fallback: STOP}}]", "choice", "FAIL, WAIT, CANCEL"),
    ("tasks: [{id: a, type: debug.Return, assets: {inputs: []}}]", "assets", "can't have 'assets'"),
    ("TASK\npluginDefaults: [{type: log.Log}]", "plugin-defaults", "no 'values'"),
    (
        "TASK\npluginDefaults: [{type: log.Log, values: {level: null}}]",
        "plugin-defaults",
        "no value is set for 'level'",
    ),
    ("TASK\npluginDefaults: [{type: log.Log, values: {lvl: x}}]", "plugin-defaults", "has no property 'lvl'"),
    # triggers
    ("TASK\ntriggers: [{id: a, type: trigger.Schedule, cron: x}]", "cron", "expected 5 fields"),
    ("TASK\ntriggers: [{id: a, type: trigger.Schedule, cron: '* * * * *', timezone: Mars}]", "timezone", "'Mars'"),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Schedule, cron: '* * * * *', interval: 1}]",
        "unknown-property",
        "interval",
    ),
    ("TASK\ntriggers: [{id: a, type: trigger.Webhook}]", "required", "'key'"),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Webhook, key: k, responseContentType: text/html}]",
        "choice",
        "text/plain",
    ),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Webhook, key: k}, {id: a, type: trigger.Webhook, key: k}]",
        "duplicate-id",
        "Duplicate trigger id",
    ),
    ("TASK\ntriggers: [{id: a, type: trigger.Flow, states: [DONE]}]", "choice", "'DONE'"),
    ("TASK\ntriggers: [{id: a, type: trigger.Flow, when: x, mode: AT_LEAST}]", "required", "'minSatisfied'"),
    ("TASK\ntriggers: [{id: a, type: trigger.Flow, preconditions: {flows: []}}]", "required", "'id' of preconditions"),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Flow, preconditions: {id: p, timeWindow: {type: SLIDING_WINDOW}}}]",
        "time-window",
        "'window' is required",
    ),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Flow, preconditions: {id: p, where: [{id: w, filters: "
        "[{field: STATE, type: IN, value: x}]}]}}]",
        "filter",
        "must",
    ),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Flow, dependsOn: [{flowId: x}], window: {every: 1, lookback: 1}}]",
        "time-window",
        "every and lookback",
    ),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Webhook, key: k, conditions: [{type: condition.Not}]}]",
        "required",
        "'conditions'",
    ),
    (
        "TASK\ntriggers: [{id: a, type: trigger.Webhook, key: k, conditions: "
        "[{type: condition.Or, conditions: [{type: condition.DayWeek, dayOfWeek: FUNDAY}]}]}]",
        "choice",
        "MONDAY",
    ),
]


def expand(body: str) -> str:
    """Write the shorthands of the table out: `LOG(x)`, `TASK`, and types without their package."""
    for name in ("a", "b", "a-b", "a.b"):
        body = body.replace(f"LOG({name})", log(name))
    body = body.replace("TASK\n", f"tasks: [{log('only')}]\n")
    for package in ("flow.", "log.", "debug.", "trigger.", "condition.", "execution."):
        body = body.replace(f"type: {package}", f"type: {CORE}{package}")
    return body


@pytest.mark.parametrize(("body", "rule", "says"), ERRORS)
def test_a_flow_against_the_rules_is_refused_with_the_rule_and_the_culprit(body: str, rule: str, says: str) -> None:
    found = problems(expand(body), tasks=False)

    assert rule in {problem.rule for problem in found}
    assert any(says in problem.message for problem in found)
    assert all(problem.line > 2 for problem in found), "every problem has a place"


WARNINGS = [
    ("tasks: [{id: s, type: flow.Sequential, timeout: PT1S, tasks: [LOG(a)]}]", "no-effect"),
    ("tasks: [{id: s, type: flow.Sequential, taskCache: {enabled: true}, tasks: [LOG(a)]}]", "no-effect"),
    ("tasks: [{id: f, type: flow.ForEach, values: [1.5], tasks: [LOG(a)]}]", "loop-value"),
    ("TASK\ntriggers: [{id: a, type: trigger.Flow}]", "flow-trigger"),
    ("TASK\ninputs: [{id: a, type: INT}]\ntriggers: [{id: a, type: trigger.Webhook, key: k}]", "trigger-inputs"),
    ("TASK\ninputs: [{id: a, type: INT, defaults: many}]", "input-default"),
    ("TASK\ninputs: [{id: a, type: INT, min: 5, defaults: 1}]", "input-default"),
    ("TASK\ninputs: [{id: a, type: DATE, before: '2024-01-01', defaults: '2024-01-02'}]", "input-default"),
    ("TASK\ninputs: [{id: a, type: DURATION, min: PT2S, max: PT1S}]", "range"),
    ("TASK\ninputs: [{id: a, type: DATETIME, after: '2024-01-02T00:00:00Z', before: '2024-01-01T00:00'}]", "range"),
    ("TASK\ninputs: [{id: a, type: SELECT}]", "input-values"),
    ("TASK\ninputs: [{id: a, type: SELECT, values: [x], expression: '{{ vars }}'}]", "input-values"),
    ("tasks: [{id: a, type: io.kestra.plugin.jdbc.mysql.Query, url: x, sql: y, sqll: z}]", "unknown-property"),
    ("tasks: [{id: f, type: execution.Fail}, LOG(a)]", "unreachable"),
    ("tasks: [{id: i, type: flow.If, condition: 'false', then: [LOG(a)]}]", "unreachable"),
    ("tasks: [{id: a, type: debug.Return, runIf: 'false'}]", "unreachable"),
    ("tasks: [{id: a, type: io.kestra.plugin.scripts.shell.Commands, commands: [x], shell: y}]", "unknown-property"),
    ("tasks: [{id: a, type: io.kestra.plugin.scripts.shell.Commands, commands: {a: b}}]", "type-mismatch"),
]


@pytest.mark.parametrize(("body", "rule"), WARNINGS)
def test_a_doubtful_flow_can_be_saved_with_a_warning(body: str, rule: str) -> None:
    sound(expand(body), tasks=False)

    assert the_problem(expand(body), tasks=False, severity="warning").rule == rule


INFOS = [
    ("tasks: [{id: a, type: io.kestra.core.tasks.debugs.Return}]", "deprecated-type"),
    ("tasks: [{id: a, type: debug.Echo, format: x}]", "deprecated-type"),
    ("tasks: [{id: p, type: flow.Pause, delay: PT1S}]", "deprecated-property"),
    ("TASK\ninputs: [{name: a, type: STRING}]", "deprecated-property"),
    ("TASK\ninputs: [{id: a, type: BOOLEAN}]", "deprecated-type"),
    ("TASK\nretry: {type: constant, interval: PT1S, maxAttempt: 2}", "deprecated-property"),
    ("TASK\ntriggers: [{id: a, type: trigger.Schedule, cron: '* * * * *', minLogLevel: INFO}]", "deprecated-property"),
]


@pytest.mark.parametrize(("body", "rule"), INFOS)
def test_old_words_are_taken_with_a_remark(body: str, rule: str) -> None:
    sound(expand(body), tasks=False)

    assert the_problem(expand(body), tasks=False, severity="info").rule == rule


def test_a_task_that_may_be_skipped_or_may_fail_ends_nothing() -> None:
    for extra in ("runIf: '{{ x }}', ", "allowFailure: true, ", "condition: '{{ true }}', ", "disabled: true, "):
        body = expand(f"tasks: [{{id: f, {extra}type: execution.Fail}}, LOG(a)]")
        assert [p for p in problems(body, tasks=False, severity="warning") if p.rule == "unreachable"] == []


def test_tasks_side_by_side_do_not_end_each_other() -> None:
    body = expand("tasks: [{id: p, type: flow.Parallel, tasks: [{id: f, type: execution.Fail}, LOG(a)]}]")

    assert problems(body, tasks=False, severity="warning") == []


@pytest.mark.parametrize("zone", ["Europe/Paris", "UTC", "Z", "UTC+2", "+02:00", "GMT-3"])
def test_regions_and_offsets_are_time_zones(zone: str) -> None:
    sound(f"triggers: [{{id: a, type: {CORE}trigger.Schedule, cron: '* * * * *', timezone: '{zone}'}}]")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("io.kestra.plugin.core.log.Logg", f"{CORE}log.Log"),
        ("io.kestra.plugin.core.flow.Log", f"{CORE}log.Log"),
        ("Log", f"{CORE}log.Log"),
        ("io.kestra.plugin.core.trigger.Webhok", f"{CORE}trigger.Webhook"),
        ("io.kestra.plugin.script.python.Script", "io.kestra.plugin.scripts.python.Script"),
        ("io.kestra.core.tasks.unheard.Read", None),
        ("io.kestra.plugin.core.log.Telegram", None),
    ],
)
def test_the_type_that_was_meant_is_suggested_only_if_it_is_near(written: str, meant: str | None) -> None:
    found = [p for p in problems(f"tasks: [{{id: a, type: {written}}}]", tasks=False) if p.rule == "unknown-type"]
    found += problems(f"tasks: [{{id: a, type: {written}}}]", tasks=False, severity="warning")

    assert found[0].hint == (f"Did you mean '{meant}'?" if meant else "")


def test_a_form_demands_of_triggers_what_its_children_demand() -> None:
    form = "inputs: [{id: f, type: FORM, inputs: [{id: a, type: INT}, {id: b, type: INT, defaults: 1}]}]"
    trigger = f"triggers: [{{id: t, type: {CORE}trigger.Schedule, cron: '@daily', inputs: INPUTS}}]"

    missing = the_problem(f"{form}\n{trigger.replace('INPUTS', '{}')}", severity="warning")
    assert missing.message.endswith("without defaults: f.a")
    assert not problems(f"{form}\n{trigger.replace('INPUTS', '{f: {a: 1}}')}", severity="warning")
    unknown = the_problem(f"{form}\n{trigger.replace('INPUTS', '{f: {a: 1}, g: 1}')}", severity="warning")
    assert (unknown.rule, unknown.path) == ("unknown-input", "triggers[t].inputs.g")
