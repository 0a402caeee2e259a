"""Templates that try to take all the time or memory there is. Each ends in an error, or does little."""

import resource

import pytest

from engine.expression import Budget, BudgetError, RenderError, Scope, compile_template

SCOPE = Scope({"s": "x" * 1000, "l": list(range(1000)), "m": {str(i): i for i in range(100)}}, now_ms=0)
DOUBLED = "{% set s = [1] %}{% for i in range(1,60) %}{% set s = [s, s] %}{% endfor %}"
HALF_A_MEGABYTE = "{% set s = s %}{% for i in range(1,9) %}{% set s = s ~ s %}{% endfor %}"
KEY = "I6EGNzRESu3X3pKZidrqCGOHQFUFC0yK"
STOPPED = {
    "a text multiplied": "{{ 'x' * 1000000000 }}",
    "a text repeated": "{{ 'x'.repeat(1000000000) }}",
    "doubling by ~": "{% set s = 'x' %}{% for i in range(1,100) %}{% set s = s ~ s %}{% endfor %}",
    "doubling by +": "{% set s = 'x' %}{% for i in range(1,100) %}{% set s = s + s %}{% endfor %}",
    "doubling written out": "{% set s = 'x' %}" + "{% set s = s ~ s %}" * 40,
    "doubling by interpolation": "{% set s = 'x' %}" + '{% set s = "#{s}#{s}" %}' * 40,
    "doubling a list": "{% set s = [1] %}{% for i in range(1,100) %}{% set s = s + s %}{% endfor %}",
    "doubling by merge": "{% set s = [1] %}{% for i in range(1,100) %}{% set s = s | merge(s) %}{% endfor %}",
    "doubling by join": "{% set s = 'x' %}{% for i in range(1,100) %}{% set s = [s, s] | join(s) %}{% endfor %}",
    "doubling by flatten": "{% set s = l %}{% for i in range(1,60) %}{% set s = [s, s] | flatten %}{% endfor %}",
    "doubling by replace": "{% set s = 'x' %}{% for i in 1..60 %}{% set s = s | replace({'x': 'xx'}) %}{% endfor %}",
    "doubling by pattern": "{{ s | regexReplace('x', '$0$0') | regexReplace('x*', '"
    + "$0" * 400
    + "') | regexReplace('x*', '$0$0$0') }}",
    "doubling by indent": "{% set s = '\n' %}{% for i in range(1,60) %}{% set s = s | nindent(2, s) %}{% endfor %}",
    "doubling by Base64": "{% set s = s %}{% for i in range(1,60) %}{% set s = s | base64encode %}{% endfor %}",
    "doubling by URL": "{% set s = 'é' %}{% for i in range(1,60) %}{% set s = s | urlencode %}{% endfor %}"
    + "{{ s ~ s }}" * 500
    + "{% for i in range(1, 30000) %}{{ s }}{% endfor %}",
    "doubling by JSON": "{% set s = '\"' %}{% for i in range(1,60) %}{% set s = s | toJson %}{% endfor %}",
    "doubling by quotes": "{% set s = \"'\" %}{% for i in 1..60 %}{% set s = s | escapeChar('shell') %}{% endfor %}",
    "shared lists printed": DOUBLED + "{{ s }}",
    "shared lists compared": DOUBLED + "{{ s == s }}",
    "shared lists as ION": DOUBLED + "{{ s | toIon }}",
    "shared lists as YAML": DOUBLED + "{{ s | yaml }}",
    "shared lists in jq": DOUBLED + "{{ s | jq('.') }}",
    "shared lists joined": DOUBLED + "{{ s | join }}",
    "shared lists as text": DOUBLED + "{{ s ~ '' }}",
    "shared lists replaced": DOUBLED + "{{ s | replace({'a': 'b'}) }}",
    "shared lists rendered": DOUBLED + "{{ render(s) }}",
    "shared lists distinct": DOUBLED + "{{ [s, s] | distinct | length }}",
    "shared maps": "{% set s = {} %}{% for i in 1..60 %}{% set s = {'a': s, 'b': s} %}{% endfor %}{{ s | toJson }}",
    "a long range": "{{ range(1, 1000000000) | length }}",
    "a long range down": "{{ range(1000000000, 1, -1) }}",
    "a long range by operator": "{{ 1..99999999999 }}",
    "nested loops": "{% for a in l %}{% for b in l %}{% for c in l %}x{% endfor %}{% endfor %}{% endfor %}",
    "empty nested loops": "{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}",
    "much output": "{% for a in range(1, 50000) %}{{ s }}{% endfor %}",
    "much output without a loop": "{{ s | replace({'x': s}) }}{{ s | replace({'x': s}) }}",
    "replacement of replacements": "{{ s | replace({'x': s}) | replace({'x': s}) }}",
    "replacement of nothing": "{{ s | replace({'': s}) | replace({'': s}) }}",
    "many replacements": "{% for i in range(1, 20000) %}{% set t = s | replace({'x': 'y'}) %}{% endfor %}",
    "a wide indent": "{{ 'a\n' | indent(100000000) }}",
    "an indent of long prefixes": "{{ s | replace({'x': '\n'}) | indent(1000, s) }}",
    "a wide format": "{{ '%1000000000d' | format(1) }}",
    "many wide formats": "{% for i in range(1, 20000) %}{{ '%999d%999d%999d' | format(1, 2, 3) }}{% endfor %}",
    "a precise format": "{{ '%.100000f' | format(1.5) }}",
    "a huge decimal": "{{ '1e999999999' | number('BIGDECIMAL') }}",
    "a huge decimal formatted": "{{ '1e4999' | number('BIGDECIMAL') | numberFormat('#,##0.00') }}",
    "huge decimals multiplied": "{% set x = '1e4000' | number('BIGDECIMAL') %}{{ x * x * x }}",
    "a runaway pattern": "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' matches '(a|aa)+$' }}",
    "a runaway replacement": "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' | regexReplace('(a|aa)+$', '') }}",
    "a pattern that unrolls": "{{ 'a' | regexMatch('((a{1000}){1000}){1000}') }}",
    "a pattern of nested counts": "{{ 'a' | regexMatch('(((((((a{9}){9}){9}){9}){9}){9}){9})') }}",
    "a long pattern": "{{ 'a' | regexMatch(s ~ s) }}",
    "many matches": "{% for i in range(1, 5000) %}{{ 'aaaaaaaaaaaa!' | regexMatch('(a+)+$') }}{% endfor %}",
    "a macro that calls itself": "{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}",
    "macros that call each other": "{% macro a() %}{{ b() }}{% endmacro %}"
    "{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}",
    "a tree of macros": "{% macro m(a) %}{% if a > 0 %}"
    + "{{ m(a - 1) }}" * 8
    + "{% endif %}{% endmacro %}{{ m(10) }}",
    "a block that prints itself": "{% block a %}{{ block('a') }}{% endblock %}",
    "a template that renders itself": "{% set x = '{{ render(x) }}' %}{{ render(x) }}",
    "a template that grows": "{% set x = '{{ x }}{{ x }}' %}{{ render(x) }}",
    "templates that take turns": "{% set x = '{{ y }}' %}{% set y = '{{ x }}' %}{{ render(x) }}",
    "many templates": "{% for i in l %}{{ render('{{ ' ~ i ~ ' + 1 }}') }}{% endfor %}",
    "chunks of one": "{{ range(1, 50000) | chunk(1) | flatten | chunk(1) | flatten | chunk(1) }}",
    "a long sort": "{{ range(1, 90000) | sort }}",
    "a long search": "{% for i in l %}{{ l contains l }}{% endfor %}",
    "many searches in a text": HALF_A_MEGABYTE + "{% for i in range(1,20000) %}{{ s contains 'y' }}{% endfor %}",
    "many comparisons of texts": HALF_A_MEGABYTE + "{% for i in range(1,20000) %}{{ s == s ~ '' }}{% endfor %}",
    "many digests": HALF_A_MEGABYTE + "{% for i in range(1,20000) %}{{ s | sha512 }}{% endfor %}",
    "many conversions": HALF_A_MEGABYTE + "{% for i in range(1,20000) %}{{ s | upper | length }}{% endfor %}",
    "many slugs": HALF_A_MEGABYTE + "{% for i in range(1,20000) %}{{ s | slugify | length }}{% endfor %}",
    "many trims": HALF_A_MEGABYTE + "{% for i in range(1,20000) %}{{ s.trim().length }}{% endfor %}",
    "many splits": HALF_A_MEGABYTE + "{% for i in range(1,20000) %}{{ s | split('x') | length }}{% endfor %}",
    "many kept texts": HALF_A_MEGABYTE
    + "{% set a = [] %}{% for i in range(1,3000) %}{% set a = a + [s ~ i] %}{% endfor %}",
    "many kept lists": "{% set a = [] %}{% for i in range(1,20000) %}{% set a = a + [l | reverse] %}{% endfor %}",
    "many merges": "{% set a = m %}{% for i in range(1,20000) %}{% set a = a | merge(m) %}{% endfor %}",
    "many keys": "{% for i in range(1,20000) %}{% set k = l | keys %}{% endfor %}",
    "deep JSON": "{{ fromJson('" + "[" * 100_000 + "') }}",
    "a long number in JSON": "{{ fromJson('" + "9" * 50_000 + "') }}",
    "deep YAML": "{{ yaml('" + "[" * 2000 + "') }}",
    "much YAML": "{{ yaml('" + "a: 1\n" * 10_000 + "') }}",
    "a YAML bomb": "{{ yaml('a: &a [1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n"
    "c: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c]\n"
    "e: &e [*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e]') }}",
    "deep ION": "{{ fromIon('" + "[" * 10_000 + "') }}",
    "much ION": "{{ fromIon('" + "[1,2,3] " * 50_000 + "', true) }}",
    "a long jq range": "{{ 1 | jq('[range(1000000000)]') }}",
    "a jq loop": "{{ 1 | jq('[repeat(.)]') }}",
    "a jq function that calls itself": "{{ 1 | jq('def f: [f]; f') }}",
    "doubling in jq": "{{ ['x'] | jq('reduce range(100) as $i (.[0]; . + .)') }}",
    "doubling lists in jq": "{{ [1] | jq('reduce range(100) as $i (.; . + .)') }}",
    "combinations in jq": "{{ [range(1,100),range(1,100),range(1,100)] | jq('[combinations] | length') }}",
    "interpolations in jq": "{{ 1 | jq('[\"\\(range(1000))\\(range(1000))\"] | length') }}",
    "maps in jq": "{{ 1 | jq('[{a: range(1000), b: range(1000)}] | length') }}",
    "a deep jq program": "{{ 1 | jq('" + "[" * 5000 + "') }}",
    "a far index in jq": "{{ 1 | jq('null | .[999999999] = 1') }}",
    "a text multiplied in jq": "{{ 1 | jq('\"x\" * 1e12') }}",
    "quotes of quotes in jq": "{{ 1 | jq('reduce range(100) as $i (.; tojson)') }}",
    "a runaway jq pattern": "{{ ['aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'] | jq('.[0] | test(\"(a|aa)+$\")') }}",
    "paths of shared lists in jq": "{{ [1] | jq('reduce range(40) as $i (.; [., .]) | [paths] | length') }}",
    "a long id": "{{ nanoId(100000000) }}",
    "much encryption": HALF_A_MEGABYTE + "{{ encrypt('" + KEY + "', s) }}",
    "a long date pattern": "{{ '2020-01-01' | date('" + "y" * 100_000 + "') }}",
    "brackets in a date pattern": "{{ '2020-01-01' | date('" + "[" * 150 + "') }}",
    "a far date": "{{ '2020-01-01' | dateAdd(9223372036854775807, 'MILLENNIA') }}",
    "parentheses": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "a hundred parentheses": "{{ " + "(" * 100 + "1" + ")" * 100 + " }}",
    "lists in lists": "{{ " + "[" * 100 + "]" * 100 + " }}",
    "not not": "{{ " + "not " * 100 + "true }}",
    "minus minus": "{{ " + "-" * 100 + "1 }}",
    "ternaries": "{{ " + "true ? " * 100 + "1" + " : 2" * 100 + " }}",
    "subscripts": "{{ a" + "[a" * 100 + "]" * 100 + " }}",
    "a chain of factors": "{{ " + " * ".join(["1"] * 200) + " }}",
    "a chain of filters": "{{ 'a'" + " | upper" * 200 + " }}",
    "too many operands": "{{ " + " ~ ".join(["'x'"] * 5000) + " }}",
    "tags in tags": "{% if true %}" * 100 + "{% endif %}" * 100,
    "loops in loops": "{% for i in [1] %}" * 30 + "{% endfor %}" * 30,
    "very many tags": "{{ 1 }}" * 30_000,
    "only openings": "{{" * 100_000,
    "only tag openings": "{%" * 100_000,
    "only quotes": "{{ " + "'" * 99_999,
    "unclosed raw": "{% raw %}" * 20_000,
    "unclosed verbatim": "{% verbatim %}" * 20_000,
    "interpolations": "{{ " + '"#{' * 3000,
    "unclosed comments": "{#" * 50_000,
    "a very long template": "x{{" * 400_000,
}


@pytest.mark.parametrize("template", [pytest.param(t, id=name) for name, t in STOPPED.items()])
def test_a_template_that_takes_too_much_is_stopped(template: str) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RenderError):
        compile_template(template).render(SCOPE)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 64 * 1024, f"{grown} kB more memory"


def test_a_budget_is_spent_by_steps_not_by_time() -> None:
    loop = "{% for i in range(1, 100) %}{{ i }}{% endfor %}"
    compile_template(loop).render(SCOPE, Budget(steps=1000))
    with pytest.raises(BudgetError, match="more than 100 steps"):
        compile_template(loop).render(SCOPE, Budget(steps=100))


def test_a_budget_bounds_the_text_in_bytes() -> None:
    assert compile_template("{{ 'é' }}é").render(SCOPE, Budget(output_bytes=4)) == "éé"
    with pytest.raises(BudgetError, match="more than 3 bytes"):
        compile_template("{{ 'é' }}é").render(SCOPE, Budget(output_bytes=3))


def test_a_compiled_template_costs_what_an_uncompiled_one_costs() -> None:
    template = "{{ render('{{ 1 }}{{ 2 }}') }}"
    budget = next(steps for steps in range(1000) if _renders(template, steps))
    assert all(_renders(template, budget) for _ in range(3))
    assert not _renders(template, budget - 1)


def _renders(template: str, steps: int) -> bool:
    try:
        compile_template(template).render(SCOPE, Budget(steps=steps))
    except BudgetError:
        return False
    return True


def test_a_sane_template_stays_far_below_the_bounds() -> None:
    rows = [{"id": i, "name": f"n{i}"} for i in range(500)]
    template = "{% for r in rows %}{{ r.id }};{{ r.name | upper }};{{ r.none ?? '-' }}\n{% endfor %}{{ rows | toJson }}"
    assert len(compile_template(template).render(Scope({"rows": rows}, 0))) > 10_000
