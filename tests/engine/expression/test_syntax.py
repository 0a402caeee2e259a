import pytest

from engine.expression import Dialect, MissingError, RenderError, Scope, TemplateSyntaxError, compile_template

SCOPE = Scope(
    {"a": 1, "b": 2, "s": "Text", "l": ["x", "y"], "m": {"k": "v", "a-b": "dash", "values": 5}, "z": None, "f": False},
    now_ms=0,
)


def render(template, dialect=Dialect.V1, scope=SCOPE):
    return compile_template(template, dialect).render(scope)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("no tags", "no tags"),
        ("{ a } {", "{ a } {"),
        ("a}}b%}c#}", "a}}b%}c#}"),
        ("{{a}}{{ b }}", "12"),
        ("{{ '}}' }}|{{ \"%}\" }}", "}}|%}"),
        ("{{ \"{{ ref('x') }}\" }}", "{{ ref('x') }}"),
        (r"{{ 'it\'s' }}{{ 'a\nb' }}{{ 'a\\b' }}", r"it'sa\nba\\b"),
        (r'{{ "say \"hi\"" }}', 'say "hi"'),
        ('{{ "#{a}-#{s | lower}" }}{{ "# #" }}{{ "#{a}" }}', "1-text# #1"),
        ("{{ '#{a}' }}", "#{a}"),
        ("{{ 100L }} {{ 007 }} {{ 1.50 }}", "100 7 1.5"),
        ("{{ TRUE }}{{ FALSE }}{{ NULL }}{{ none }}", "truefalse"),
        ("{{ m.values }}{{ m['a-b'] }}{{ m[\"k\"] }}", "5dashv"),
        ("{{ l[0] }}{{ l['1'] }}{{ l[a] }}", "xyy"),
        ("{{ {'k': {'j': [1]}} }}", '{"k":{"j":[1]}}'),
        ("{{\n a\n +\n b }}", "3"),
        ("{{ m.contains }}", None),
        ("{{ or1 ?? 'x' }}{{ island ?? 'y' }}{{ notable ?? 'z' }}{{ android ?? 'w' }}", "xyzw"),
        ("{{ café ?? 'é' }}", "é"),
        ("{{ matches ?? 'free' }}", "free"),
    ],
)
def test_a_literal_ends_where_its_quote_does_not_where_a_tag_would(template, text):
    if text is None:
        with pytest.raises(RenderError):
            render(template)
    else:
        assert render(template) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("a {{- 'b' -}} c", "abc"),
        ("a {%- if true -%} b {%- endif -%} c", "abc"),
        ("a {#- x -#} b", "ab"),
        ("a {# x #} b", "a  b"),
        ("a {#- x #} b", "a b"),
        ("{{- a }}", "1"),
        ("{{ -1 }}{{-1}}", "-1-1"),
        ("a\n{% if true %}\nb\n{% endif %}\nc", "a\n\nb\n\nc"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("a {%- raw -%} {{ x }} {%- endraw -%} b", "a  {{ x }}  b"),
        ("{% raw %}{% raw %}{% endraw %}", "{% raw %}"),
        ("{% verbatim %}  {{ x }} {% endverbatim %}", "{{ x }} "),
        ("{% verbatim %}{% if %}{%- endverbatim -%} b", "{% if %}b"),
    ],
)
def test_a_dash_trims_a_comment_vanishes_and_raw_stays(template, text):
    assert render(template) == text


@pytest.mark.parametrize(
    ("template", "v1", "v2"),
    [
        ("{{ 1 + 2 * 3 }}", "7", "7"),
        ("{{ 'a' ~ 'b' | upper }}", "AB", "AB"),
        ("{{ 'a' | upper ~ 'b' }}", "Ab", "Ab"),
        ("{{ not f == true }}", "true", "true"),
        ("{{ nope ?? 'a' | upper }}", "A", "A"),
        ("{{ 'x' == nope ?? 'x' }}", "true", "x"),
        ("{{ nope ?? 0 + 1 }}", "1", "1"),
        ("{{ 1 + nope ?? 2 }}", "3", "2"),
        ("{{ 'a' ~ nope ?? 'b' }}", "ab", "b"),
        ("{{ 'b' < 'c' }}", "error", "true"),
        ("{{ '3' * 2 }}", "error", "6"),
        ("{{ '1.5' * 2 }}", "error", "3.0"),
        ("{{ 1 == 1 ? 'y' : 'n' }}", "y", "y"),
        ("{{ true ? false ? 1 : 2 : 3 }}", "2", "2"),
        ("{{ true or false and false }}", "true", "true"),
        ("{{ 1 is odd and 2 is even }}", "true", "true"),
        ("{{ l contains 'x' and a == 1 }}", "true", "true"),
        ("{{ 1 + 1..3 }}", "error", "error"),
        ("{{ (1..3) | join('-') }}{{ 1..3 | last }}", "1-2-33", "1-2-33"),
        ("{{ -2 + 3 }}{{ - a }}{{ +a }}", "1-11", "1-11"),
        ("{{ 2 equals 2 }}{{ s matches 'T.*' }}", "truetrue", "truetrue"),
    ],
)
def test_operators_bind_as_each_dialect_says(template, v1, v2):
    for dialect, expected in ((Dialect.V1, v1), (Dialect.V2, v2)):
        if expected == "error":
            with pytest.raises(RenderError):
                render(template, dialect)
        else:
            assert render(template, dialect) == expected


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            "{% for x in l %}{{ loop.index }}{{ x }}{{ loop.first }}{{ loop.last }} {% endfor %}",
            "0xtruefalse 1yfalsetrue ",
        ),
        ("{% for x in l %}{{ loop.length }}{{ loop.revindex }}{% endfor %}", "2120"),
        ("{% for e in m %}{{ e.key }};{% endfor %}", "k;a-b;values;"),
        ("{% for e in {'a': 1} %}{{ e }}{{ [e] }}{% endfor %}", 'a=1[{"a":1}]'),
        ("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none"),
        ("{% for x in z %}{{ x }}{% else %}none{% endfor %}", ""),
        (
            "{% for x in [1, 2] %}{% for y in [3, 4] %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{% endfor %}",
            "130 141 230 241 ",
        ),
        ("{% for x in [1] %}{% for y in [] %}{% else %}a{% endfor %}{% else %}b{% endfor %}", "a"),
        ("{% set t = 0 %}{% for i in [1, 2, 3] %}{% set t = t + i %}{% endfor %}{{ t }}", "6"),
        ("{% for i in [1] %}{% set t = i %}{% endfor %}{{ t ?? 'gone' }}", "gone"),
        ("{% set a = 5 %}{{ a }}", "5"),
        ("{% for a in [7] %}{{ a }}{% endfor %}{{ a }}", "71"),
        ("{% if f %}1{% elseif a == 2 %}2{% elseif a == 1 %}3{% else %}4{% endif %}", "3"),
        ("{% if f %}1{% endif %}|", "|"),
        ("{% if true %}{% else %}x{% endif %}", ""),
        (
            "{% macro m(x, y='d') %}<{{ x }}{{ y }}>{% endmacro %}{{ m('1') }}{{ m('1', '2') }}{{ m(y='3', x='4') }}",
            "<1d><12><43>",
        ),
        ("{{ m2('x') }}{% macro m2(x) %}{{ x }}{% endmacro %}", "x"),
        ("{% macro m(x) %}{{ x ?? 'null' }}{% endmacro %}{{ m() }}", "null"),
        ("{% macro m() %}{{ a ?? 'hidden' }}{% endmacro %}{{ m() }}{{ a }}", "hidden1"),
        ("{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}", "3210"),
        ("{% macro m() %}x{% endmacro %}{{ m() | upper }}{% set y = m() %}{{ y ~ y }}", "Xxx"),
        ("{% block a %}1{% endblock %}{{ block('a') }}{% block 'b c' %}2{% endblock a %}", None),
        ("{% block a %}1{% endblock a %}{{ block('a') }}", "11"),
        ("{% filter upper %}a{{ s }}{% endfilter %}", "ATEXT"),
        ("{% filter lower | capitalize %}ABC{% endfilter %}", "Abc"),
    ],
)
def test_tags_loop_branch_assign_and_repeat_as_written(template, text):
    if text is None:
        with pytest.raises(TemplateSyntaxError):
            render(template)
    else:
        assert render(template) == text


@pytest.mark.parametrize(
    "template",
    [
        *("{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ 1) }}", "{{ [1, }}", "{{ {1} }}", "{{ a. }}", "{{ a.1 }}", "{{ 'x }}"),
        *("{{ 1e3 }}", "{{ a b }}", "{{ a ? b }}", "{{ [1][0] }}", "{{ {}.a }}", "{{ f(a=1, 2) }}", "{{ | upper }}"),
        *("{{ a | }}", "{{ a is }}", "{{ & }}", "{{ 99999999999999999999 }}", "{{ a", "{% if %}", "{% if a %}"),
        *("{% endif %}", "{% for x %}{% endfor %}", "{% for x in l %}", "{% set x %}", "{% set 1 = 2 %}", "{% else %}"),
        *(
            "{% set null = 1 %}",
            "{% nosuch %}",
            "{# open",
            "{% raw %}x",
            "{% verbatim %}x",
            "{% macro m %}{% endmacro %}",
        ),
        *(
            "{% if a %}{% for x in l %}{% endif %}{% endfor %}",
            '{{ "#{a" }}',
            "{% block %}{% endblock %}",
            "{{ a.b(x=1) }}",
        ),
    ],
)
def test_what_is_not_the_language_is_refused_before_anything_is_rendered(template):
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(template)
    assert caught.value.line == 1 and caught.value.column > 0


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{{ 'a' | uper }}", ["filter 'uper'", "did you mean 'upper'"]),
        ("{{ nwo() }}", ["function 'nwo'", "did you mean 'now'"]),
        ("{{ 1 is evn }}", ["test 'evn'", "did you mean 'even'"]),
        ("{{ a | date(zone='x') }}", ["no argument 'zone'"]),
        ("{{ 'a' | upper(1, 2) }}", ["at most 0 arguments"]),
        ("{{ fromJson() }}", ["needs the argument 'json'"]),
        ("{{ s - 1 }}", ["number on both sides of '-'"]),
        ("{{ 1 / 0 }}", ["Division by zero"]),
        ("{{ m | join }}", ["Filter 'join'", "expected a list"]),
        ("{{ m.kk }}", ["Unable to find 'kk'", "'m' has no 'kk'", "did you mean 'k'"]),
        ("{{ z.x }}", ["Unable to find 'x'", "z (null)"]),
        ("{{ l[9] }}", ["Unable to find '9'", "0 to 1"]),
        ("{% for x in s %}{% endfor %}", ["list or a map to loop over"]),
    ],
)
def test_an_error_says_what_was_wrong_and_what_there_is(template, words):
    with pytest.raises(RenderError) as caught:
        render(template)
    for word in words:
        assert word in caught.value.message
    assert caught.value.template == template


def test_what_is_unknown_fails_only_where_it_is_reached():
    assert render("{{ true ? 1 : ('a' | nosuch) }}{{ f and nosuch() }}") == "1false"


def test_a_missing_name_is_swallowed_by_exactly_three_things():
    assert render("{{ x.y.z ?? 1 }}{{ x.y is defined }}{{ x.y | default('d') }}{{ (x | upper) ?? 2 }}") == "1falsed2"
    for template in ("{{ x is empty }}", "{{ x is null }}", "{{ x ~ '' }}", "{{ [x] }}", "{{ x ?? y }}"):
        with pytest.raises(MissingError):
            render(template)


def test_other_errors_are_not_swallowed():
    for template in ("{{ (1 / 0) ?? 1 }}", "{{ ('a' | nosuch) ?? 1 }}", "{{ (s - 1) is defined }}"):
        with pytest.raises(RenderError):
            render(template)


def test_only_text_without_tags_is_constant():
    assert compile_template("a { b }").is_constant and compile_template("{% raw %}{{ a }}{% endraw %}").is_constant
    assert not compile_template("{{ 'a' }}").is_constant


def test_a_lazy_mapping_is_asked_for_exactly_the_keys_that_are_read():
    class Lazy(dict):
        asked = []

        def __getitem__(self, key):
            self.asked.append(key)
            return {"value": key}

    lazy = Lazy(a=1, b=2)
    scope = Scope({"outputs": lazy}, 0)
    assert render("{{ outputs.a.value }}", scope=scope) == "a"
    assert lazy.asked == ["a"]


def test_variables_are_never_changed():
    values = {"l": [3, 1, 2], "m": {"a": 1}}
    render("{{ l | sort }}{{ l | reverse }}{{ m | merge({'b': 1}) }}{% set l = 1 %}", scope=Scope(values, 0))
    assert values == {"l": [3, 1, 2], "m": {"a": 1}}


def test_a_template_is_compiled_once():
    assert compile_template("{{ a }}!") is compile_template("{{ a }}!")
