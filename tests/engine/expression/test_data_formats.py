import pytest

from engine.expression import RenderError, Scope, compile_template


def through(expression, value):
    return compile_template("{{ " + expression + " }}").evaluate(Scope({"x": value}, 0))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": None, "c": [None]}, '{"a":1,"c":[null]}'),
        ({"k": 'q"\\\n\t\x01é😀/'}, '{"k":"q\\"\\\\\\n\\t\\u0001é😀/"}'),
        ([1.0, 1e7, 1e-5, 12345678901234567890], "[1.0,1.0E7,1.0E-5,12345678901234567890]"),
        ([True, False, None], "[true,false,null]"),
        ({}, "{}"),
        ("a", '"a"'),
        (None, "null"),
    ],
)
def test_json_is_compact_and_drops_null_entries(value, text):
    assert through("x | toJson", value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b-c": "x\n", "null": None, "1": True}, "{a:1,'b-c':\"x\\n\",'null':null,'1':true}"),
        ([1.5, 100.0, 1e21, "é"], '[1.5e0,100e0,1.0e21,"é"]'),
        (None, "null"),
        ({}, "{}"),
    ],
)
def test_ion_is_written(value, text):
    assert through("x | toIon", value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a:1, 'b c': \"x\", d:[1, 2]}", {"a": 1, "b c": "x", "d": [1, 2]}),
        ("$ion_1_0 {a: true}", {"a": True}),
        ("// note\n[null, null.string, 0x1F, 0b11, 1_000] /* more */", [None, None, 31, 3, 1000]),
        ("[-5, 1.5, 2d1, 1e2]", [-5, 1.5, 20.0, 100.0]),
        ("'''long ''' '''text'''", "long text"),
        ("note::{a: other::1}", {"a": 1}),
        ("symbol", "symbol"),
        ("{{aGk=}}", "aGk="),
        ('"\\u00e9\\x41\\n"', "éA\n"),
        ("(a 1 [b])", ["a", 1, ["b"]]),
        ("2024-04-21T23:00:00.000Z", "2024-04-21T23:00:00Z"),
        ("2024-04-21T23:00:00.500Z", "2024-04-21T23:00:00.500Z"),
        ("2024-04-21T10:00:00+02:00", "2024-04-21T10:00+02:00"),
        ("2024-04-21", "2024-04-21"),
        ("2024T", "2024-01-01"),
        ("", None),
    ],
)
def test_ion_is_read(text, value):
    assert through("fromIon(x)", text) == value


def test_ion_decimals_keep_their_digits():
    assert compile_template("{{ fromIon('{a:1.50}').a }}").render(Scope({}, 0)) == "1.50"


@pytest.mark.parametrize(
    "text", ["{a", "[1", "{a 1}", "{a:}", "'open", '"open', "{{open", "/* open", "{a:1 b:2}", "1x"]
)
def test_what_is_no_ion_is_refused(text):
    with pytest.raises(RenderError):
        through("fromIon(x)", text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1\nb: [x, 'y', \"z\"]\nc: {d: e}", {"a": 1, "b": ["x", "y", "z"], "c": {"d": "e"}}),
        ("- yes\n- no\n- on\n- True\n- false\n- ~\n- null\n-", ["yes", "no", "on", True, False, None, None, None]),
        (
            "- 1\n- -1\n- 1.5\n- 1e3\n- .5\n- 0x10\n- 010\n- 1_000\n- '1'\n- 1:30\n- +",
            [1, -1, 1.5, 1000.0, 0.5, 16, 8, 1000, "1", "1:30", "+"],
        ),
        ("- 2020-01-01\n- 2020-01-01T00:00:00Z", ["2020-01-01", "2020-01-01T00:00:00Z"]),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: |\n  x\n  y\nb: >\n  x\n  y\n", {"a": "x\ny\n", "b": "x y\n"}),
        ("a: !!python/name:os.system x", {"a": "x"}),
        ("1: a", {"1": "a"}),
        ("", None),
        ("plain", "plain"),
    ],
)
def test_yaml_is_read_with_few_kinds_of_scalars(text, value):
    assert through("yaml(x)", text) == value


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "*nope", "? [a]\n: b", "\t- a"])
def test_what_is_no_yaml_is_refused(text):
    with pytest.raises(RenderError):
        through("yaml(x)", text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("string", "string\n"),
        (1, "1\n"),
        (1.5, "1.5\n"),
        (True, "true\n"),
        (["a", 1, None], " - a\n - 1\n - null\n"),
        ({"a": 1, "b": {"c": []}, "d": {}}, "a: 1\nb:\n  c: []\nd: {}\n"),
        ({"l": ["x", {"k": 1, "j": [2]}]}, "l:\n - x\n -\n  k: 1\n  j:\n   - 2\n"),
        (["yes", "", "a: b", "a #b", "- a"], ' - "yes"\n - ""\n - "a: b"\n - "a #b"\n - "- a"\n'),
        (["[x]", " a", "a:b", "123", "null"], ' - "[x]"\n - " a"\n - a:b\n - 123\n - "null"\n'),
        ("one\ntwo\n", "|\n  one\n  two\n"),
        ("one\ntwo", "|-\n  one\n  two\n"),
        ({"t": "one\ntwo"}, "t: |-\n  one\n  two\n"),
    ],
)
def test_yaml_is_written_in_block_style(value, text):
    assert through("x | yaml", value) == text


def test_yaml_of_null_is_the_word():
    assert through("x | yaml", None) == "null"


def test_data_that_nests_too_deep_is_refused():
    value = []
    for _ in range(200):
        value = [value]
    for expression in ("x", "x | toJson", "x | toIon", "x | yaml", "x | jq('.')", "x ~ ''", "x | string"):
        with pytest.raises(RenderError):
            compile_template("{{ " + expression + " }}").render(Scope({"x": value}, 0))
