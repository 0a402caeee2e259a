from __future__ import annotations

from engine.execution import commands as c
from engine.execution.outstanding import OUTSTANDING
from engine.machine import SendCommand
from engine.trigger.commands import SwitchTrigger
from engine.values import State
from tests.engine.execution.driven import Driven

TOGGLE = "io.kestra.plugin.core.trigger.Toggle"


def told(run: Driven) -> list[tuple[str, SwitchTrigger]]:
    return [
        (effect.id, effect.command)
        for effect in run.effects
        if isinstance(effect, SendCommand) and isinstance(effect.command, SwitchTrigger)
    ]


def flow(*tasks: str) -> str:
    return "id: flow\nnamespace: test\ntasks:\n" + "\n".join(f"- {task}" for task in tasks)


def test_a_trigger_of_the_own_flow_is_turned_off_unless_it_is_to_be_on() -> None:
    off = f"{{id: off, type: {TOGGLE}, trigger: tick}}"
    on = f"{{id: on, type: {TOGGLE}, trigger: tick, enabled: true}}"
    run = Driven(flow(off, on)).run()

    assert run.state is State.SUCCESS
    assert [(uid, command.trigger_id, command.disabled) for uid, command in told(run)] == [
        ("test/flow", "tick", True),
        ("test/flow", "tick", False),
    ]
    assert len({command.told_id for _, command in told(run)}) == 2


def test_a_trigger_of_another_flow_is_named_by_templates() -> None:
    task = f'{{id: a, type: {TOGGLE}, namespace: n, flowId: "{{{{ task.id }}}}-flow", trigger: tick}}'

    ((uid, command),) = told(Driven(flow(task)).run())

    assert uid == "n/a-flow" and command.execution_id == "execution"


def test_it_is_said_again_until_the_trigger_answers() -> None:
    run = Driven(flow(f"{{id: a, type: {TOGGLE}, trigger: tick}}")).run()
    ((uid, command),) = told(run)
    waits = OUTSTANDING["w"](run.rows.rows[f"w/{command.told_id}"])
    assert waits is not None and waits.effect == SendCommand(kind="triggers", id=uid, command=command)

    run.send(c.NoteListenerReached(told_id=command.told_id))

    assert f"w/{command.told_id}" not in run.rows.rows
    assert run.send(c.NoteListenerReached(told_id=command.told_id)).events == ()
