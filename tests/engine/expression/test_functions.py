import json

import pytest

from engine.expression import NeedsWorld, RenderError, Scope, compile_template, render_value

KEY = "I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK"
SCOPE = Scope(
    {
        "vars": {"first": "1", "second": "{{vars.first}}", "third": "{{vars.second}}", "loop": "{{ vars.loop }}x"},
        "tasks": {"a": {"state": "FAILED"}, "b": {"x": {"state": "SUCCESS"}, "y": {"state": "failed"}}},
        "outputs": {"each": {"v1": {"p1": {"out": 1}}}},
        "parents": [{"taskrun": {"value": "v1"}}],
        "taskrun": {"value": "p1"},
        "iterations": [{"outputs": {"n": 1}}, {"outputs": {}}, {"x": 1}, None],
    },
    now_ms=1_700_000_000_000,
    entropy="seed",
)


def render(template, scope=SCOPE):
    return compile_template(template).render(scope)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (
            "{{ range(1, 4) }}{{ range(4, 1, -2) }}{{ range('a', 'e', 2) }}{{ range(2, 1) }}",
            '[1,2,3,4][4,2]["a","c","e"][]',
        ),
        ("{{ max(1, 5, 3) }}{{ min(2.5, 2) }}{{ max(null, 1) }}", "521"),
        (
            "{{ render(vars.third) }}{{ render(vars.third, recursive=false) }}{{ renderOnce(vars.third) }}",
            "1{{vars.first}}{{vars.first}}",
        ),
        ("{{ render({'k': vars.third, vars.second: [vars.second, 2]}) }}", '{"k":"1","1":["1",2]}'),
        ("{{ render('{% raw %}{{ a }}{% endraw %}{{ vars.second }}') }}", "{{ a }}1"),
        ("{{ render(7) }}{{ render(null) }}{{ render('plain') }}", "7plain"),
        ("{% for x in [1, 2] %}{{ render('{{ x }}') }}{% endfor %}", "12"),
        (
            "{{ fromJson('{\"a\": [1, null]}').a }}{{ fromJson('1.50') }}{{ json('[]') }}{{ fromJson(null) }}",
            "[1,null]1.5[]",
        ),
        ("{{ yaml('a: {b: [1, x]}').a.b[1] }}", "x"),
        ("{{ fromIon('{a:1} {a:2}', allRows=true) }}{{ fromIon('{a:1} {a:2}').a }}", '[{"a":1},{"a":2}]1'),
        (
            "{{ tasksWithState('failed') }}",
            '[{"taskId":"a","state":"FAILED"},{"taskId":"b","state":"FAILED","value":"y"}]',
        ),
        ("{{ currentEachOutput(outputs.each).out }}", "1"),
        ("{{ loopOutputs(iterations, 'n') }}", "[1,null,null,null]"),
        ("{{ decrypt('" + KEY + "', encrypt('" + KEY + "', 'tötö')) }}", "tötö"),
        ("{{ randomInt(5, 5) }}", "5"),
    ],
)
def test_functions_give_values(template, text):
    assert render(template) == text


def test_encryption_follows_the_published_test_vector():
    from engine.expression.functions.cipher import _expanded, _stream, _tag

    keys = _expanded(bytes.fromhex("feffe9928665731c6d6a8f9467308308"))
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    plain = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
        "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255"
    )
    hidden = _stream(keys, nonce, plain)
    assert hidden.hex() == (
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
        "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985"
    )
    assert _tag(keys, nonce, hidden).hex() == "4d5c2af327cd64a62cf35abd2ba6fab4"


def test_an_encrypted_text_that_was_changed_is_refused():
    hidden = render("{{ encrypt('" + KEY + "', 'x') }}")
    broken = ("A" if hidden[0] != "A" else "B") + hidden[1:]
    for template in ("{{ decrypt('" + KEY + "', '" + broken + "') }}", "{{ decrypt('short', 'x') }}"):
        with pytest.raises(RenderError):
            render(template)


@pytest.mark.parametrize(
    "call", ["uuid()", "id()", "ksuid()", "nanoId()", "randomInt(0, 1000000)", f"encrypt('{KEY}', 'x')"]
)
def test_chance_is_derived_from_entropy_time_and_count(call):
    twice = compile_template("{{ " + call + " }} {{ " + call + " }}")
    first, second = twice.render(SCOPE).split(" ")
    assert first != second
    assert twice.render(SCOPE) == f"{first} {second}"
    assert twice.render(Scope(SCOPE.variables, SCOPE.now_ms, entropy="other")) != f"{first} {second}"
    assert twice.render(Scope(SCOPE.variables, SCOPE.now_ms + 1, entropy="seed")) != f"{first} {second}"


def test_ids_have_their_shapes():
    uuid = render("{{ uuid() }}")
    assert len(uuid) == 36 and uuid[14] == "7" and uuid[19] in "89ab" and uuid[:13] == "018bcfe5-6800"
    assert len(render("{{ ksuid() }}")) == 27 and len(render("{{ nanoId(40) }}")) == 40
    assert set(render("{{ nanoId(50, 'ab') }}")) == {"a", "b"}


def test_the_context_is_printed_as_json():
    assert json.loads(render("{{ printContext() }}"))["taskrun"] == {"value": "p1"}


def test_a_recursion_that_never_settles_is_stopped():
    with pytest.raises(RenderError, match="Too many rendering attempts"):
        render("{{ render(vars.loop) }}")
    with pytest.raises(RenderError, match="Too many rendering attempts"):
        render("{{ render(a) }}", Scope({"a": "{{ b }}", "b": "{{ a }}"}, 0))


def test_a_render_that_was_swallowed_leaves_no_trace():
    scope = Scope({"x": "{% raw %}a{% endraw %}{{ nope }}"}, 0)
    assert (
        render("{{ render(x) ?? 'd' }}{% raw %}{{ b }}{% endraw %}{{ render(x) is defined }}", scope) == "d{{ b }}false"
    )


def test_an_error_inside_a_rendered_value_names_that_value():
    with pytest.raises(RenderError) as caught:
        render("{{ render(x) }}", Scope({"x": "{{ nope }}"}, 0))
    assert caught.value.template == "{{ nope }}"


@pytest.mark.parametrize("name", ["secret", "kv", "read", "http", "fileURI", "fileSize", "fileExists", "isFileEmpty"])
def test_what_reaches_the_world_needs_it(name):
    with pytest.raises(NeedsWorld, match=name):
        render("{{ " + name + "('x') ?? 'swallowed' }}")


def test_the_worlds_failures_are_errors_of_the_template():
    def read(path):
        raise FileNotFoundError(f"there is no {path}")

    with pytest.raises(RenderError, match="there is no a"):
        render("{{ read('a.txt') }}", Scope({}, 0, world={"read": read}))


def test_the_world_is_asked_with_keywords_and_only_those_given():
    asked = []
    world = {"kv": lambda **given: asked.append(given) or {"a": [1]}}
    assert render("{{ kv('k', errorOnMissing=false).a[0] }}", Scope({}, 0, world=world)) == "1"
    assert asked == [{"key": "k", "errorOnMissing": False}]


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "range(1, 'a')",
            "range(1, 2, 0)",
            "range('aa', 'b')",
            "randomInt('1', 2)",
            "randomInt(2, 1)",
            "randomInt(1)",
        ),
        *(
            "fromJson('')",
            "fromJson('{')",
            "fromJson('NaN')",
            "fromJson(1)",
            "yaml('a: [')",
            "yaml(null)",
            "yaml('a: *x')",
        ),
        *(
            "fromIon('{a')",
            "fromIon(1)",
            "nanoId(2000)",
            "nanoId(1, '')",
            "encrypt('x')",
            "encrypt('x', 'y')",
            "loopOutputs(1, 'a')",
        ),
        *(
            "max(1, 'a')",
            "currentEachOutput(1)",
            "currentEachOutput({})",
            "nosuch()",
            "block('x')",
            "kv()",
            "kv('a', nope=1)",
        ),
    ],
)
def test_what_makes_no_sense_is_an_error(expression):
    with pytest.raises(RenderError):
        render("{{ " + expression + " }}")


def test_rendering_data_keeps_what_is_no_text():
    value = {
        "a": [1, None, True, 1.5, "{{ vars.first }}", {"{{ vars.first }}": "x", "1": "later"}],
        "b": "{{ vars.third }}",
    }
    expected = {"a": [1, None, True, 1.5, "1", {"1": "x"}], "b": "{{vars.second}}"}
    assert render_value(value, SCOPE) == expected


def test_evaluation_gives_plain_values():
    values = compile_template("{{ [1, 2147483647 + 1, 1.5, '1.5' | number, 'a', null, true, {'k': 1}] }}").evaluate(
        SCOPE
    )
    assert values == [1, 2147483648, 1.5, 1.5, "a", None, True, {"k": 1}]
    assert [type(value) for value in values] == [int, int, float, float, str, type(None), bool, dict]
    assert compile_template("{{ 1 }}{{ 2 }}").evaluate(SCOPE) == "12"
    assert compile_template(" {{ 1 }}").evaluate(SCOPE) == " 1"
    assert compile_template("{{ null }}").evaluate(SCOPE) is None
