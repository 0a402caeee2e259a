"""The fuzzer finds what is planted: exceptions, hangs, memory, dead processes; and makes inputs small."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from tests.fuzz import guard
from tests.fuzz.edits import EDITS, edits, read_edit
from tests.fuzz.guard import attempt_apart
from tests.fuzz.minimise import minimised
from tests.fuzz.mutate import LENGTH_MAX_BLOWN_UP, EditMutator, Mutator

FLOW = "id: f\nnamespace: n\ntasks:\n- id: a\n  type: t\n- id: b\n  type: t\n"


def planted(text: str) -> Iterator[str]:
    yield "look"
    if "raise" in text:
        raise KeyError(text)
    if "exit" in text:
        os._exit(3)
    yield "work"
    while "hang" in text:
        pass


@pytest.mark.parametrize(("text", "kind"), [("raise", "KeyError"), ("exit", "dies"), ("hang", "takes too long")])
def test_what_is_planted_is_found(text: str, kind: str) -> None:
    failure = attempt_apart(planted, text)

    assert failure is not None
    assert failure.kind == kind


def test_a_process_that_gets_too_large_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MEMORY_MAX", 1 << 20)

    failure = attempt_apart(planted, "anything")

    assert failure is not None
    assert failure.kind == "takes too much memory"


def test_an_input_that_does_nothing_wrong_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MEMORY_MAX", 1 << 40)  # a fork is as large as whoever runs the tests

    assert attempt_apart(planted, "anything") is None


def test_an_input_is_made_as_small_as_it_gets() -> None:
    text = "one\ntwo raise two\nthree\n" * 3

    assert minimised(text, lambda part: "raise" in part) == "raise"


def test_the_same_chance_makes_the_same_inputs() -> None:
    def made() -> list[str]:
        mutator = Mutator(["word"], Random(1))
        return [mutator.mutate(FLOW, FLOW) for _ in range(200)]

    assert made() == made()
    assert len(set(made())) > 150
    assert max(map(len, made())) <= LENGTH_MAX_BLOWN_UP


def test_most_edits_that_are_made_up_can_be_read() -> None:
    mutator = EditMutator(["message"], Random(2))
    made = [mutator.mutate("\n" + FLOW, "\n" + FLOW).partition("\n")[0] for _ in range(100)]

    assert {edit[0] for line in made if (edit := read_edit(line))} == set(EDITS)


def test_an_edit_that_does_something_else_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EDITS, "remove", lambda source, name: source.replace("- id: b\n  type: t\n", ""))

    with pytest.raises(AssertionError, match="something else"):
        list(edits('["remove", "a"]\n' + FLOW))


def test_an_edit_that_loses_a_comment_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    text = FLOW.replace("- id: b", "# why\n# and how\n- id: b")
    monkeypatch.setitem(EDITS, "disable", lambda *_: FLOW.replace("t\n- id: b", "t\n  disabled: true\n- id: b"))

    with pytest.raises(AssertionError, match="took"):
        list(edits('["disable", "a", true]\n' + text))
