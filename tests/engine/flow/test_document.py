"""YAML text to values with places."""

from __future__ import annotations

import builtins
import importlib.util
import sys
from types import ModuleType
from typing import Any

import pytest

from engine.flow import document as fast
from engine.flow.document import MAX_ALIASES, MAX_DEPTH, MAX_NODES, MAX_SIZE, read_documents


def value_of(text: str) -> Any:
    (document,) = read_documents(text)
    assert document.problems == []
    return document.value


def problem_of(text: str) -> tuple[str, int, int]:
    problem = read_documents(text)[-1].problems[-1]
    return problem.rule, problem.line, problem.column


def test_keys_stay_texts_whatever_they_look_like() -> None:
    assert value_of("on: 1\n1: 2\ntrue: 3\nnull: 4\n") == {"on": 1, "1": 2, "true": 3, "null": 4}


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("TRUE", True),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("Null", None),
        ("12", 12),
        ("-1_000", -1000),
        ("0", 0),
        ("0x1F", 31),
        ("0123", "0123"),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("14:19:00", "14:19:00"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("+", "+"),
        ("'12'", "12"),
        ('"yes"', "yes"),
        ("!!str 12", "12"),
        ('!!int "12"', 12),
    ],
)
def test_unquoted_scalars_become_what_flows_mean_by_them(written: str, value: object) -> None:
    found = value_of(f"a: {written}\n")["a"]

    assert found == value
    assert type(found) is type(value)


def test_a_duplicate_key_is_refused_with_its_line() -> None:
    problem = read_documents("a: 1\nb: 2\na: 3\n")[0].problems[0]

    assert (problem.rule, problem.line, problem.column) == ("duplicate-key", 3, 1)
    assert "line 1" in problem.hint


def test_every_duplicate_key_is_named_at_once() -> None:
    assert len(read_documents("a: 1\na: 2\nb: {c: 1, c: 2}\n")[0].problems) == 2


def test_merge_keys_fill_only_what_is_not_set() -> None:
    text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\nx:\n  <<: [*base, *other]\n  a: 9\n"

    assert value_of(text)["x"] == {"a": 9, "b": 2, "c": 4}


def test_a_quoted_merge_key_is_an_ordinary_key() -> None:
    assert value_of("'<<': {a: 1}\n") == {"<<": {"a": 1}}


def test_places_count_from_one_and_point_at_values() -> None:
    (document,) = read_documents("a:\n  - b: 1\n    c:   x\n")

    assert document.position(("a", 0, "c")) == (3, 10)
    assert document.position(("a", 0, "c"), of_key=True) == (3, 5)
    assert document.position(("a",)) == (1, 1)
    assert document.position(("a", 0, "missing")) == (2, 5)


def test_an_expression_that_starts_a_value_unquoted_is_explained() -> None:
    problem = read_documents("a: {{ inputs.x }}\n")[0].problems[0]

    assert (problem.rule, problem.line) == ("yaml-key", 1)
    assert '"{{ … }}"' in problem.hint


def test_a_tab_is_explained() -> None:
    problem = read_documents("a:\n\tb: 1\n")[0].problems[0]

    assert (problem.rule, problem.line) == ("yaml-syntax", 2)
    assert "spaces" in problem.hint


def test_an_alias_to_what_holds_it_is_refused() -> None:
    assert problem_of("a: &a [*a]\n")[0] == "yaml-alias"


def test_aliases_cannot_explode() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]

    assert problem_of("\n".join(lines))[0] == "yaml-size"


def test_depth_nodes_aliases_and_size_are_bounded() -> None:
    assert value_of("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert problem_of("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))[0] == "yaml-depth"
    assert problem_of("[" * 100_000)[0] in ("yaml-depth", "yaml-syntax")
    assert problem_of("- 1\n" * MAX_NODES)[0] == "yaml-size"
    assert problem_of("a: &a 1\nb: [" + ", ".join(["*a"] * (MAX_ALIASES + 1)) + "]")[0] == "yaml-aliases"
    assert problem_of("a" * (MAX_SIZE + 1))[0] == "yaml-size"


def test_unknown_tags_are_refused() -> None:
    assert problem_of("a: !include other.yaml\n") == ("yaml-tag", 1, 4)


def test_documents_are_read_one_by_one_and_empty_ones_left_out() -> None:
    assert [document.value for document in read_documents("---\na: 1\n---\n---\nb: 2\n")] == [{"a": 1}, {"b": 2}]
    assert read_documents("")[0].value is None
    assert read_documents("# nothing\n")[0].value is None


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert value_of("\ufeffa: 1\n") == {"a": 1}


def test_text_that_no_yaml_may_hold_is_a_problem_and_no_crash() -> None:
    assert read_documents("a: \x00\n")[0].problems[0].rule == "yaml-syntax"
    assert read_documents("a: \ud800\n")[0].problems[0].rule == "yaml-syntax"


SAMPLE = """\
# a comment
id: x
list: &l
- {a: [1, "two", 'three']}
- |
  block
   deeper
- >-
  folded
  text
again: *l
empty:
quoted: "a\\tb"
"""


@pytest.fixture
def pure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module as it is where PyYAML isn't installed."""
    real = builtins.__import__

    def blocked(name: str, *rest: Any, **more: Any) -> Any:
        if name == "yaml" or name.startswith("yaml."):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", blocked)
    spec = importlib.util.spec_from_file_location("pure_document", fast.__file__)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "pure_document", module)
    spec.loader.exec_module(module)
    return module


def test_the_reader_in_pure_python_finds_the_same(pure: ModuleType) -> None:
    (one,), (other,) = read_documents(SAMPLE), pure.read_documents(SAMPLE)

    assert other.value == one.value
    for path in (("id",), ("list",), ("list", 0, "a", 1), ("list", 1), ("again",), ("quoted",)):
        assert other.position(path) == one.position(path)


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "a: [", "a: !x 1\n", "\tx", "a: *b\n", "a: {{ x }}\n"])
def test_the_reader_in_pure_python_refuses_the_same(pure: ModuleType, text: str) -> None:
    rules = [problem.rule for problem in pure.read_documents(text)[0].problems]

    assert rules == [problem.rule for problem in read_documents(text)[0].problems]
