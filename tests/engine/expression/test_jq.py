import pytest

from engine.expression import RenderError, Scope, compile_template

DATA = {
    "a": [{"n": "x", "v": 1}, {"n": "y", "v": 2.5}],
    "m": {"k": "v"},
    "s": "hello world",
    "z": None,
}


def jq(program, data=None):
    return compile_template("{{ d | jq(p) }}").evaluate(
        Scope({"d": DATA if data is None else data, "p": program}, 1_700_000_000_500)
    )


@pytest.mark.parametrize(
    ("program", "results"),
    [
        (".", [{"a": DATA["a"], "m": {"k": "v"}, "s": "hello world"}]),
        (".a[0].n, .a[-1].n, .a[9], .x.y", ["x", "y", None, None]),
        ('.["s"], ."s", .["m"]["k"], ."m".k', ["hello world", "hello world", "v", "v"]),
        (".a[].v", [1, 2.5]),
        ("[.[] | type]", [["array", "object", "string"]]),
        (".a[1:], .a[:1] | length", [1, 1]),
        (".s[0:5], .s[-5:]", ["hello", "world"]),
        ("[.a[] | select(.v > 1) | .n]", [["y"]]),
        (".a | map(.v) | add, length, min, max", [3.5, 2, 1, 2.5]),
        (".a | map({(.n): .v}) | add", [{"x": 1, "y": 2.5}]),
        ("[.a[] | {n, w: (.v * 2)}]", [[{"n": "x", "w": 2}, {"n": "y", "w": 5}]]),
        ('{("a", "b"): 1}', [{"a": 1}, {"b": 1}]),
        ('"a\\(1 + 2)b\\(.m.k)"', ["a3bv"]),
        ('@base64 "x\\(.s)", (.s | @base64), ("aGk=" | @base64d)', ["xaGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGQ=", "hi"]),
        ('[1, "a,\\"b"] | @csv, @tsv, @json', ['1,"a,""b"', '1\ta,"b', '[1,"a,\\"b"]']),
        ('"it\'s" | @sh, @html, @uri', ["'it'\\''s'", "it&#39;s", "it%27s"]),
        ("1 + 2 * 3 - 4 / 2, 7 % 3, -1, 1 / 3", [5, 1, -1, 1 / 3]),
        ('"a" + "b", [1] + [2], {a: 1} + {b: 2}, null + 1, "x" * 3', ["ab", [1, 2], {"a": 1, "b": 2}, 1, "xxx"]),
        ('[1, 2, 1] - [1], "a,b" / ",", {a: {b: 1}} * {a: {c: 2}}', [[2], ["a", "b"], {"a": {"b": 1, "c": 2}}]),
        ("1 == 1.0, [1] < [2], {} < [], null < false, true < 1", [True, True, False, True, True]),
        ("true and false, (true or error), (false | not)", [False, True, True]),
        (".z // 1, (.a | .[0].v // 2), (empty // 3)", [1, 1, 3]),
        ('if .s == "x" then 1 elif .m then 2 else 3 end, if false then 1 end | type', ["number", "object"]),
        (
            'try error("boom") catch ., (.a.b?), [.[] | .k?], (try error catch .s)',
            ["boom", ["v"], "hello world"],
        ),
        (
            "reduce .a[] as $x (0; . + $x.v), [foreach range(4) as $i (0; . + $i; [$i, .])]",
            [3.5, [[0, 0], [1, 1], [2, 3], [3, 6]]],
        ),
        (". as {s: $q, $m, a: [{n: $first}]} | [$q, $m.k, $first]", [["hello world", "v", "x"]]),
        ("def f(g; $n): g + $n; f(.a[0].v; 10), (def r: if . < 3 then . + 1 | r else . end; 0 | r)", [11, 3]),
        ("1 | [recurse(if . < 3 then . + 1 else empty end)]", [[1, 2, 3]]),
        (
            "[limit(3; repeat(1))] | length, first(range(5; 9)), [range(0; 10; 4)], [range(3; 0; -1)]",
            [3, 5, [0, 4, 8], [3, 2, 1]],
        ),
        ("1 | until(. > 100; . * 2), [while(. < 9; . * 2)]", [128, [1, 2, 4, 8]]),
        ("label $out | 1, 2, break $out, 3", [1, 2]),
        (".a[0].v |= . + 1 | .a[0].v", [2]),
        (
            ".a[].v += 10 | [.a[].v], (.m.new.deep = 1 | .m), (.m.k //= 2 | .m.k)",
            [[11, 12.5], {"k": "v", "new": {"deep": 1}}, "v"],
        ),
        (".m.new.deep = 1 | .m", [{"k": "v", "new": {"deep": 1}}]),
        ('del(.a, .s) , (.a | del(.[0]) | length), delpaths([["a"], ["m"]]) | keys?', [["m"], ["s"]]),
        (".a |= map(select(.v > 1)) | .a | length", [1]),
        ("(to_entries | map(.key)), (with_entries(.value |= type) | .a)", [["a", "m", "s"], "array"]),
        ('[{"name": "k", "value": 1}, {"k": "j", "v": null}] | from_entries', [{"k": 1, "j": None}]),
        (
            'path(.a[0].n), getpath(["a", 1, "n"]), [paths(type == "number")]',
            [["a", 0, "n"], "y", [["a", 0, "v"], ["a", 1, "v"]]],
        ),
        (
            ".a | [group_by(.v > 1)[] | length], (sort_by(-.v)[0].n), (max_by(.v).n), (min_by(.v).n)",
            [[1, 1], "y", "y", "x"],
        ),
        (
            "[3, 1, 2, 1] | sort, unique, reverse, (index(1), rindex(1)), indices(1)",
            [[1, 1, 2, 3], [1, 2, 3], [1, 2, 1, 3], 1, 3, [1, 3]],
        ),
        ("[1, [2, [3]]] | flatten, flatten(1)", [[1, 2, 3], [1, 2, [3]]]),
        ("[[1, 2], [3]] | transpose, ([[1, 2], [3, 4]] | [combinations] | length)", [[[1, 3], [2, None]], 4]),
        (
            '.s | test("WOR"; "i"), sub("o"; "0"), gsub("(?<x>o)"; "<\\(.x)>"), split(" "), [scan("l+")]',
            [True, "hell0 world", "hell<o> w<o>rld", ["hello", "world"], ["ll", "l"]],
        ),
        (
            '.s | [match("o"; "g").offset], capture("(?<a>h)(?<b>e)"), [splits("o")]',
            [[4, 7], {"a": "h", "b": "e"}, ["hell", " w", "rld"]],
        ),
        (
            '"aBc" | ascii_downcase, ascii_upcase, explode, (explode | implode), ltrimstr("a"), rtrimstr("c")',
            ["abc", "ABC", [97, 66, 99], "aBc", "Bc", "aB"],
        ),
        (
            '["a", 1, null] | join("-"), tojson, (tojson | fromjson), map(tostring), ("1.5" | tonumber)',
            ["a-1-", '["a",1,null]', ["a", 1, None], ["a", "1", "null"], 1.5],
        ),
        (
            "[1.5, -1.5] | map(floor), map(ceil), map(round), map(fabs), (16 | sqrt), pow(2; 10), (8 | log2)",
            [[1, -2], [2, -1], [2, -2], [1.5, 1.5], 4, 1024, 3],
        ),
        (
            '{} | has("a"), ([1] | has(0)), ([1, [2]] | contains([[2]])), ("a" | inside("abc"), startswith("b"))',
            [False, True, True, True, False],
        ),
        (
            "[true, false] | any, all, ([] | any, all), ([1, 2] | any(. > 1), all(. > 1))",
            [True, False, False, True, True, False],
        ),
        (
            'now, (1700000000 | todate), ("2023-11-14T22:13:20Z" | fromdate), (0 | strftime("%Y"), (gmtime | mktime))',
            [1700000000.5, "2023-11-14T22:13:20Z", 1700000000, "1970", 0],
        ),
        (
            '[.. | numbers], [.[] | strings], ([1, null] | map(values)), (nan | isnan), ([1, "a"] | map(scalars))',
            [[1, 2.5], ["hello world"], [1], True, [1, "a"]],
        ),
        ('walk(if type == "number" then . + 1 else . end) | [.a[].v], (. | length)', [[2, 3.5], 3]),
        (
            "[1, 2, 3] | (.[1:] = [9]), (.[5] = 1), first, last, nth(1), (.[] | IN(2, 3))",
            [[1, 9], [1, 2, 3, None, None, 1], 1, 3, 2, False, True, True],
        ),
        ('[splits("x")?], env, $ENV, ([tostream] | length), (.a | INDEX(.n) | keys)', [[], {}, {}, 11, ["x", "y"]]),
    ],
)
def test_a_program_gives_its_results(program, results):
    assert jq(program) == results


def test_text_is_parsed_first_and_null_stays_null():
    assert compile_template("{{ '[1, 2]' | jq('length') }}").evaluate(Scope({}, 0)) == [2]
    assert compile_template("{{ null | jq('.') }}").evaluate(Scope({}, 0)) is None


def test_numbers_that_pass_through_keep_their_kind():
    template = "{{ ['1.5' | number] | jq('.[0]') | first | className }} {{ [1] | jq('.[0]') | first | className }}"
    assert compile_template(template).render(Scope({}, 0)) == "java.lang.Float java.lang.Integer"


def test_numbers_stay_whole_where_they_are():
    assert compile_template("{{ [4, 2] | jq('.[0] / .[1]') }}").render(Scope({}, 0)) == "[2]"
    assert compile_template("{{ [1] | jq('.[0] + 0.5') }}").render(Scope({}, 0)) == "[1.5]"


@pytest.mark.parametrize(
    "program",
    [
        *(
            "{",
            ".[",
            "a b",
            "if 1 then 2",
            "reduce . as $x",
            "def f: 1",
            '"open',
            "1 +",
            "| 1",
            "{a:}",
            ". as [$a",
            "..a",
            "1 = 2 = 3",
        ),
        *(
            "error",
            'error("x")',
            ".a.b",
            ".s[0]",
            ".m[0]",
            "1 / 0",
            "{} + 1",
            "[] - {}",
            "nosuch",
            "$x",
            "break $x",
            ".a | keys_of",
        ),
        *(
            "path(1 | .a)",
            "try error(1) catch error(2)",
            '"a" | tonumber',
            "[1] | join(1)",
            ".s | test(1)",
            "{(1): 2}",
            "1 | keys",
        ),
        *(
            ".a | sort_by(error)",
            '"x" | fromjson',
            '"x" | implode',
            "[-1] | implode",
            "getpath(1)",
            'range("a")',
            "@nope",
            '-"a"',
        ),
        *(
            '"2020" | fromdate',
            '"x" | strptime("%Y")',
            "input",
            'limit("a"; 1)',
            '.s | test("(")',
            "splits(1)",
            '.["a", 1]',
        ),
    ],
)
def test_what_is_no_program_or_fails_is_an_error(program):
    with pytest.raises(RenderError):
        jq(program)
