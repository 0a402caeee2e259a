import pytest

from engine.expression import RenderError, Scope, compile_template

SCOPE = Scope(
    {
        "l": [3, 1, 2],
        "words": ["pear", "apple"],
        "m": {"b": 2, "a": 1},
        "deep": {"t": "it's", "l": ["a'b", {"x": 1}]},
        "i": 42,
        "d": 1.5,
        "z": None,
        "big": 2147483647,
        "huge": 12345678901234567890,
    },
    now_ms=0,
)


def render(template):
    return compile_template(template).render(SCOPE)


TEXTS = [
    ("{{ 'aB c' | upper }}{{ 'AB' | lower }}{{ i | upper }}{{ true | upper }}", "AB Cab42TRUE"),
    ("{{ ' hello wORLD' | capitalize }}|{{ 'hello wORLD' | title }}", " Hello wORLD|Hello WORLD"),
    ("[{{ '  a b \n' | trim }}]", "[a b]"),
    ("{{ 'abcdef' | abbreviate(5) }}{{ 'abc' | abbreviate(2) }}{{ 'abcdef' | abbreviate(6) }}", "ab...abcabc..."),
    ("{{ 'a\n\r\nb' | nl2br }}", "a<br /><br />b"),
    ("{{ 'a.b.c' | substringBefore('.') }}{{ 'a.b.c' | substringAfter('.') }}", "ab.c"),
    ("{{ 'a.b.c' | substringBeforeLast('.') }}{{ 'a.b.c' | substringAfterLast('.') }}", "a.bc"),
    (
        "{{ 'abc' | substringBefore('x') }}[{{ 'abc' | substringAfter('x') }}{{ 'abc' | substringAfterLast('x') }}]",
        "abc[]",
    ),
    ("{{ 'abc' | startsWith('ab') }}{{ 'abc' | endsWith('ab') }}{{ 12 | startsWith('1') }}", "truefalsetrue"),
    ("{{ 'a-b' | replace({'-': '+', 'a': 'x'}) }}{{ ['a', {'k': 'a'}] | replace({'a': 'b'}) }}", 'x+b["b",{"k":"b"}]'),
    (r"{{ 'ab12' | replace({'([a-z]+)([0-9]+)': '$2-$1'}, regexp=true) }}", "12-ab"),
    (r"{{ 'a.b' | replace({'.': '!'}) }}{{ 'a.b' | replace({'.': '!'}, true) }}", "a!b!!!"),
    (r"{{ '$x' | replace({'x': '$1'}) }}{{ 'x' | replace({'x': '\$1'}, true) }}", "$$1$1"),
    (
        r"{{ deep | escapeChar('shell') | toJson }}",
        r'{"t":"it' + r"'\\''s" + r'","l":["a' + r"'\\''b" + '",{"x":"1"}]}',
    ),
    ("{{ \"a'b\" | escapeChar('single') }}{{ 'a\"b' | escapeChar('DOUBLE') }}", "a\\'ba\\\"b"),
    ("{{ 'a\nb' | indent(2) }}|{{ 'a\nb' | nindent(1, '>>') }}", "a\n  b|\n>>a\n>>b"),
    ("{{ 'Ünï_côde  x--y!' | slugify }}", "uni-code-x-y"),
    (
        "{{ 'a,b,,' | split(',') }}{{ 'a,b,,' | split(',', -1) }}{{ 'a,b,c' | split(',', 2) }}",
        '["a","b"]["a","b","",""]["a","b,c"]',
    ),
    ("{{ 'a1b22c' | split('[0-9]+') }}{{ 'a.b' | split('.') }}{{ 'abc' | split('') }}", '["a","b","c"][]["a","b","c"]'),
    ("{{ 'x' | string }}{{ 1.0 | string }}{{ [1, null] | string }}{{ {'a': true} | string }}", "x1.0[1, null]{a=true}"),
    ("{{ 'order-123' | regexExtract('[0-9]+') }}{{ 'k=v' | regexExtract('(.)=(.)', 2) }}", "123v"),
    (
        "{{ 'abcd' | regexMatch('b.') }}{{ 'abcd' | regexMatch('^b') }}{{ null | regexMatch('.*') }}",
        "truefalsefalse",
    ),
    (
        "{{ 'a1' | regexReplace('[0-9]', '<$0>') }}",
        "a<1>",
    ),
    (
        "{{ '%s %05d %.1f %,d %x %b %5s|%-3s|' | format('a', 42, 2.25, 1234567, 255, true, 'r', 'l') }}",
        "a 00042 2.3 1,234,567 ff true     r|l  |",
    ),
    (
        "{{ '%.2f %.0f %.2f %.1e %08.2f' | format(1.005, 2.5, 999.999, 1.25, -3.14159) }}",
        "1.01 3 1000.00 1.3e+00 -0003.14",
    ),
    ("{{ '%2$s-%1$s-%<s %s' | format('a', 'b') }}", "b-a-a a"),
    (
        "{{ '%g %.3g %G %o %#x %f' | format(12345.678, 0.00001234, 1.5, 8, 255, 1.0 / 0) }}",
        "12345.7 1.23e-05 1.50000 10 0xff Infinity",
    ),
    ("{{ '%(,.2f|%-8d|%5%' | format(-1234.5, 42) }}", "(1,234.50)|42      |    %"),
    ("{{ 'a b&c/é~*' | urlencode }}{{ 'a+b%26%C3%A9' | urldecode }}", "a+b%26c%2F%C3%A9%7E*a b&é"),
    ("{{ 'é' | base64encode }}{{ 'w6k=' | base64decode }}{{ 'w6k' | base64decode }}", "w6k=éé"),
    (r"{{ 'aébc' | regexReplace('\w', '-') }}{{ 'aé' | regexReplace('\p{L}', '-') }}", "-é----"),
    (r"{{ 'abc' | regexReplace('[a-c&&[^b]]', '-') }}", "-b-"),
    (r"{{ 'a.b' | regexReplace('\Q.\E', '-') }}{{ 'aaa' | regexReplace('a++', '-') }}", "a-b-"),
    ("{{ 'a' | md5 }} {{ 'a' | sha1 }}", "0cc175b9c0f1b6a831c399e269772661 86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ("{{ 'a' | sha256 }}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
]
COLLECTIONS = [
    ("{{ l | first }}{{ l | last }}{{ 'abc' | first }}{{ [] | first }}{{ z | last }}", "32a"),
    ("{{ l | sort }}{{ l | rsort }}{{ words | sort }}{{ l | reverse }}", '[1,2,3][3,2,1]["apple","pear"][2,1,3]'),
    ("{{ l | join }}{{ l | join('-') }}{{ ['a', null, true] | join(',') }}", "3123-1-2a,null,true"),
    (
        "{{ l | length }}{{ m | length }}{{ 'añ' | length }}{{ '😀' | length }}{{ z | length }}{{ 5 | length }}",
        "322200",
    ),
    (
        "{{ m | merge({'c': 3}) }}{{ l | merge([9]) }}{{ m | merge(['x']) }}{{ z | merge([1]) }}",
        '{"b":2,"a":1,"c":3}[3,1,2,9]{"b":2,"a":1,"x":"x"}[1]',
    ),
    ("{{ l | slice(1) }}{{ l | slice(0, 2) }}{{ 'abcd' | slice(1, 3) }}{{ l | slice(toIndex=1) }}", "[1,2][3,1]bc[3]"),
    ("{{ m | keys }}{{ l | keys }}{{ m | values }}", '["b","a"][0,1,2][2,1]'),
    ("{{ l | chunk(2) }}{{ [] | chunk(2) }}", "[[3,1],[2]][]"),
    ("{{ [1, [2, [3]], []] | flatten }}", "[1,2,[3]]"),
    ("{{ ['a', 'b', 'a', 1, 1.0, 1, [1], [1], {}, {}, null, null] | distinct }}", '["a","b",1,1.0,[1],{},null]'),
    ("{{ z | distinct }}", "null"),
]
NUMBERS = [
    ("{{ -5 | abs }}{{ -1.5 | abs }}", "51.5"),
    (
        "{{ '12' | number }} {{ '1.5' | number }} {{ '1e3' | number('DOUBLE') }} {{ '0x1F' | number }}",
        "12 1.5 1000.0 31",
    ),
    (
        "{{ '12' | number('LONG') | className }} {{ '1.5' | number('FLOAT') | className }}",
        "java.lang.Long java.lang.Float",
    ),
    (
        "{{ '1.5' | number('BIGDECIMAL') | className }} {{ '1.123456789' | number | className }}",
        "java.math.BigDecimal java.lang.Double",
    ),
    (
        "{{ '99999999999' | number | className }} {{ '99999999999999999999' | number | className }}",
        "java.lang.Long java.math.BigInteger",
    ),
    ("{{ i | className }} {{ huge | className }}", "java.lang.Integer java.math.BigInteger"),
    ("{{ (big + 1) | className }} {{ 1 | className }}", "java.lang.Long java.lang.Long"),
    (
        "{{ d | className }} {{ l | className }} {{ true | className }}",
        "java.lang.Double java.util.ArrayList java.lang.Boolean",
    ),
    (
        "{{ 1234.5 | numberFormat('#,##0.00') }} {{ 0.256 | numberFormat('0.#%') }} {{ 5 | numberFormat('000') }}",
        "1,234.50 25.6% 005",
    ),
    ("{{ 2.5 | numberFormat('0') }} {{ 3.5 | numberFormat('0') }} {{ -0.4 | numberFormat('0') }}", "2 4 -0"),
    ("{{ 0.005 | numberFormat('#.##') }} {{ 0.5 | numberFormat('.0') }} {{ 7 | numberFormat('#.') }}", "0.01 .5 7."),
    (
        "{{ 0.005 | numberFormat('0%') }} {{ 0.015 | numberFormat('0%') }} {{ 1.005 | numberFormat('0.00') }}",
        "0% 2% 1.00",
    ),
    (
        "{{ 999.995 | numberFormat('0.###E0') }} {{ 0.0 | numberFormat('00.00E00') }} "
        "{{ -1234567.891 | numberFormat('##0.##E0') }}",
        "1E3 00.00E00 -1.2346E6",
    ),
    (
        "{{ -5 | numberFormat('0;(0)') }} {{ 12345 | numberFormat(\"'#'#\") }} {{ 1234567.891 | numberFormat }}",
        "(5) #12345 1,234,567.891",
    ),
    (
        "{{ 12345 | numberFormat('0.###E0') }} {{ 0.5 | numberFormat('.##') }} {{ 0 | numberFormat('#.##') }}",
        "1.234E4 .5 0",
    ),
]
ARITHMETIC = [
    ("{{ 7 / 2 }} {{ -7 / 2 }} {{ 7 % -3 }} {{ -7 % 3 }} {{ 7.0 / 2 }}", "3 -3 1 -1 3.5"),
    ("{{ big + big }} {{ big + 1 }} {{ 9223372036854775807 + 1 }}", "-2 2147483648 -9223372036854775808"),
    ("{{ 1.0 / 0 }} {{ -1.0 / 0 }} {{ 0.0 / 0 }} {{ 5.5 % 2 }}", "Infinity -Infinity NaN 1.5"),
    (
        "{{ 0.1 + 0.2 }} {{ 100.0 }} {{ 1.0 * 10000000 }} {{ 0.0001 * 1 }} {{ 123456789.0 }}",
        "0.30000000000000004 100.0 1.0E7 1.0E-4 1.23456789E8",
    ),
    (
        "{{ '0.1' | number + 1 }} {{ '0.1' | number('DOUBLE') + 1 }} {{ '16777217' | number('FLOAT') }}",
        "1.1 1.1 1.6777216E7",
    ),
    ("{{ 'a' + 1 }}{{ 1 + 'a' }}{{ 'a' + null }}{{ 'a' ~ null ~ 1.0 }}{{ 'a' + [1, 2] }}", "a11aanulla1.0a[1, 2]"),
    ("{{ 'x' ~ l ~ m }}{{ l ~ null }}", "x[3, 1, 2]{b=2, a=1}[3, 1, 2]"),
    ("{{ l + 4 }}{{ l + [4, 5] }}{{ words - 'pear' }}{{ [1, 2, 3] - [1, 3] }}", '[3,1,2,4][3,1,2,4,5]["apple"][2]'),
    (
        "{{ 1 == 1.0 }}{{ '1' == 1 }}{{ z == null }}{{ [1] == [1] }}{{ {'a': 1} == {'a': 1} }}{{ true == 1 }}",
        "truefalsetruetruetruefalse",
    ),
    ("{{ 1 < z }}{{ 2 > 1.5 }}{{ 1 != 2 }}{{ 'a' != 'a' }}", "falsetruetruefalse"),
    (
        "{{ l contains 3 }}{{ [1, 2] contains [2, 1] }}{{ m contains 'a' }}{{ 'abc' contains 'b' }}{{ z contains 1 }}",
        "falsetruetruetruefalse",
    ),
    ("{{ 3 isIn l }}{{ 'a' isIn m }}{{ 2 isIn m }}{{ 'x' isIn z }}", "truetruetruefalse"),
    (
        "{{ 2 is even }}{{ 3 is odd }}{{ l is iterable }}{{ 'a' is iterable }}{{ '{}' is json }}{{ 'x' is json }}",
        "truetruetruefalsetruefalse",
    ),
    ("{{ ' ' is empty }}{{ [] is empty }}{{ {} is empty }}{{ 0 is empty }}{{ z is empty }}", "truetruetruefalsetrue"),
]
METHODS = [
    ("{{ 'a-b-c'.split('-') }}{{ 'a1b2c'.split('[0-9]', 2) }}", '["a","b","c"]["a","b2c"]'),
    ("{{ 'Abc'.length }}{{ 'Abc'.length() }}{{ 'Abc'.toUpperCase() }}{{ 'Abc'.contains('b') }}", "33ABCtrue"),
    (
        "{{ 'Abc'.substring(1) }}{{ 'Abc'.substring(0, 2) }}{{ 'Abc'.indexOf('c') }}{{ 'a-b'.replace('-', '+') }}",
        "bcAb2a+b",
    ),
    ("{{ l.size() }}{{ l.size }}{{ l.contains(i) }}{{ l.get(0) }}{{ l.isEmpty() }}", "33false3false"),
    (
        "{{ m.size() }}{{ m.containsKey('a') }}{{ m.get('a') }}{{ m.getOrDefault('x', 9) }}{{ m.keySet() }}",
        '2true19["b","a"]',
    ),
]


@pytest.mark.parametrize(("template", "text"), TEXTS + COLLECTIONS + NUMBERS + ARITHMETIC + METHODS)
def test_a_filter_operator_or_method_gives_what_java_would(template, text):
    assert render(template) == text


@pytest.mark.parametrize(
    "name",
    [
        "upper",
        "lower",
        "trim",
        "title",
        "capitalize",
        "slugify",
        "md5",
        "urlencode",
        "base64decode",
        "keys",
        "sort",
        "number",
        "reverse",
        "values",
        "flatten",
        "string",
    ],
)
def test_null_stays_null(name):
    assert compile_template("{{ z | " + name + " }}").evaluate(SCOPE) is None


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "z | abs",
            "'x' | abs",
            "z | startsWith('a')",
            "i | number",
            "'x' | number",
            "'1.5' | number('INT')",
            "'' | first",
        ),
        *(
            "i | join(',')",
            "m | sort",
            "[1, 'a'] | sort",
            "[null, null] | sort",
            "l | slice(-1)",
            "l | slice(0, 9)",
            "l | slice(2, 1)",
        ),
        *(
            "l | chunk(0)",
            "m | chunk(1)",
            "m | flatten",
            "m | distinct",
            "l | values",
            "i | keys",
            "z | merge(z)",
            "i | merge(l)",
        ),
        *(
            "'a' | replace('a')",
            "'a' | replace({'(': 'b'}, true)",
            "'a' | replace({'a': '$9'}, true)",
            "'a' | split('(')",
        ),
        *(
            "'a' | escapeChar('x')",
            "'a' | indent(-1)",
            "'a' | indent('x')",
            "'a' | abbreviate(-1)",
            "'é!' | base64decode",
        ),
        *(
            "'x' | numberFormat('0')",
            "1 | numberFormat('0.0.0')",
            "1 | numberFormat('#0#')",
            "'%d' | format('x')",
            "'%q' | format(1)",
        ),
        *(
            "'%s' | format",
            "1.5 is even",
            "z is odd",
            "z + 1",
            "m + 1",
            "z / 1",
            "true + 1",
            "1 < 'a'",
            "i contains 1",
            "1 isIn 2",
        ),
        *(
            "'a' | regexReplace('a', '$')",
            "'a' | regexExtract('a', 5)",
            "'a'.substring(5)",
            "'a'.charAt(1)",
            "l.get(9)",
        ),
    ],
)
def test_what_makes_no_sense_is_an_error(expression):
    with pytest.raises(RenderError):
        render("{{ " + expression + " }}")
