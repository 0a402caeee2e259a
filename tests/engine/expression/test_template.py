import pytest

from engine.expression import (
    MissingError,
    NeedsWorld,
    RenderError,
    Scope,
    TemplateSyntaxError,
    compile_template,
    render_value,
    vocabulary,
    with_property,
)

SCOPE = Scope({"a": "x", "b": {"c": 1}}, now_ms=0)


def test_variables_and_keys_are_printed_between_text():
    assert compile_template("{{ a }} and {{ b.c }}").render(SCOPE) == "x and 1"


def test_one_expression_evaluates_to_its_native_value():
    assert compile_template("{{ b }}").evaluate(SCOPE) == {"c": 1}
    assert compile_template("v={{ b }}").evaluate(SCOPE) == 'v={"c":1}'


def test_a_missing_name_says_what_was_there_instead():
    with pytest.raises(MissingError) as caught:
        compile_template("x\n{{ b.cc }}").render(SCOPE)
    assert (caught.value.missing, caught.value.known, caught.value.line, caught.value.column) == ("cc", ("c",), 2, 4)
    assert "did you mean 'c'" in caught.value.message


def test_a_function_of_the_world_asks_for_the_world():
    with pytest.raises(NeedsWorld) as caught:
        compile_template("{{ secret('KEY') ?? 'x' }}").render(SCOPE)
    assert caught.value.name == "secret"


def test_the_worlds_function_gets_its_arguments_by_name():
    scope = Scope({}, 0, world={"kv": lambda key, errorOnMissing=True: f"{key}:{errorOnMissing}"})
    assert compile_template("{{ kv('k', errorOnMissing=false) }}").render(scope) == "k:False"


def test_an_unclosed_tag_is_a_syntax_error_with_its_place():
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template("a {{ b ")
    assert (caught.value.line, caught.value.column) == (1, 3)


def test_texts_and_keys_inside_data_are_rendered():
    assert render_value({"{{ a }}": ["{{ b.c }}", 2, None]}, SCOPE) == {"x": ["1", 2, None]}


def test_a_long_value_is_never_quoted_in_part():
    secret = "s3cr3t" * 30
    scope = Scope({"x": secret, "l": [secret]}, 0)
    for expression in ("fromJson(x)", "yaml('[' ~ x)", "fromIon('{' ~ x)", "x | number", "x | date", "x - 1", "x < 1"):
        with pytest.raises(RenderError) as caught:
            compile_template("{{ " + expression + " }}").render(scope)
        assert "s3cr3t" not in caught.value.message
    with pytest.raises(RenderError) as caught:
        compile_template("{{ l | jq('.[0] - 1') }}").render(scope)
    assert "s3cr3t" not in caught.value.message


def test_the_worlds_functions_get_plain_values():
    got = []
    scope = Scope({}, 0, world={"http": lambda **given: got.append(given)})
    compile_template("{{ http('u', body={'n': 1, 'd': 1.5}, options=[2]) }}").render(scope)
    assert got == [{"uri": "u", "body": {"n": 1, "d": 1.5}, "options": [2]}]
    assert type(got[0]["body"]["n"]) is int


def test_the_vocabulary_lists_every_word_with_its_arguments():
    words = vocabulary()
    assert words["filters"]["date"] == ["format", "timeZone", "existingFormat", "locale"]
    assert words["functions"]["secret"] == ["key", "namespace", "subkey"]
    assert "defined" in words["tests"] and "for" in words["tags"]


def test_an_error_names_the_property_its_template_was_written_in() -> None:
    properties = {"uri": "{{ a }}", "headers": {"{{ k }}": ["x", "{{ nothing }}"]}}

    assert with_property(_failure("{{ nothing }}"), properties).startswith(
        "headers.{{ k }}[1]: Unable to find 'nothing'"
    )
    assert with_property(_failure("{{ k }}"), properties).startswith("headers.{{ k }}: Unable to find 'k'")
    assert with_property(_failure("{{ other }}"), properties).startswith("Unable to find 'other'")
    assert with_property(ValueError("too long"), properties) == "too long"


def _failure(template: str) -> RenderError:
    with pytest.raises(RenderError) as caught:
        compile_template(template).render(Scope({}, now_ms=0))
    return caught.value
