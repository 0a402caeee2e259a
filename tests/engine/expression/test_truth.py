import pytest

from engine.expression import (
    RenderError,
    Scope,
    compile_template,
    condition_is_truthy,
    text_is_truthy,
    truthiness,
    value_is_true,
)


@pytest.mark.parametrize("text", [None, "", "  ", "false", " false ", "0", "-0"])
def test_a_task_does_not_run_on_these_texts(text):
    assert not text_is_truthy(text)


@pytest.mark.parametrize("text", ["true", "False", "no", "null", "0.0", "1", "[]", "{}", "00"])
def test_a_task_runs_on_any_other_text(text):
    assert text_is_truthy(text) and truthiness(text)


def test_a_triggers_condition_is_false_only_if_blank_or_false():
    assert [condition_is_truthy(text) for text in (None, " ", "false", "0", "x")] == [False, False, False, True, True]


def test_a_check_wants_a_real_boolean():
    assert [value_is_true(value) for value in (True, "true", 1, None)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("value", "answer"),
    [(True, "y"), (False, "n"), (1, "y"), (0, "n"), (0.0, "n"), ("", "n"), ("false", "y"), (" ", "y")],
)
def test_inside_an_expression_numbers_and_texts_count(value, answer):
    assert compile_template("{{ x ? 'y' : 'n' }}").render(Scope({"x": value}, 0)) == answer


@pytest.mark.parametrize("value", [None, [], [1], {}, {"a": 1}])
@pytest.mark.parametrize("template", ["{% if x %}{% endif %}", "{{ x and true }}", "{{ not x }}"])
def test_inside_an_expression_null_and_collections_are_neither(value, template):
    with pytest.raises(RenderError):
        compile_template(template).render(Scope({"x": value}, 0))


def test_a_choice_takes_null_as_false_and_no_collection():
    template = compile_template("{{ x ? 'y' : 'n' }}")
    assert template.render(Scope({"x": None}, 0)) == "n"
    for value in ([], [1], {}, {"a": 1}):
        with pytest.raises(RenderError):
            template.render(Scope({"x": value}, 0))
