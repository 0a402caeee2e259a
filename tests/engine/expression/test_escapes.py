"""Templates that try to reach Python, the process or other people's data. None gets anything but an error."""

import ast
import re

import pytest

from engine.expression import Dialect, RenderError, Scope, compile_template
from engine.expression.bridge import Bridge
from engine.expression.generator import python_source
from engine.expression.parser import parse

ATTRIBUTES = [
    "__class__",
    "__class__.__mro__",
    "__class__.__base__.__subclasses__()",
    "__init__.__globals__",
    "__dict__",
    "__doc__",
    "__module__",
    "__getattribute__('__class__')",
    "__reduce__()",
    "__reduce_ex__(2)",
    "__format__('x')",
    "__sizeof__()",
    "__dir__()",
    "mro()",
    "func_globals",
    "gi_frame.f_globals",
    "cr_frame",
    "f_back",
    "f_builtins",
    "tb_frame",
    "im_func",
    "getClass()",
    "class",
    "getClass().forName('java.lang.Runtime')",
    "class.protectionDomain.classLoader",
    "format_map(m)",
    "format(m)",
    "encode('utf-8')",
    "translate(m)",
    "join(l)",
    "maketrans('a', 'b')",
]
VALUES = ["s", "l", "m", "n", "''", "'a'", "loop", "0", "1.5", "true"]
TEMPLATES = [
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ context }}",
    "{{ context.environment }}",
    "{{ environment }}",
    "{{ missing }}",
    "{{ resolve }}",
    "{{ undefined }}",
    "{{ concat }}",
    "{{ config }}",
    "{{ request }}",
    "{{ get_flashed_messages }}",
    "{{ url_for.__globals__ }}",
    "{{ lipsum.__globals__.os.popen('id').read() }}",
    "{{ cycler.__init__.__globals__ }}",
    "{{ joiner }}",
    "{{ namespace }}",
    "{{ dict(a=1) }}",
    "{{ lipsum() }}",
    "{{ cycler('a') }}",
    "{{ range.__self__ }}",
    "{{ now.__globals__ }}",
    "{{ __import__('os').system('id') }}",
    "{{ import('os') }}",
    "{{ eval('1+1') }}",
    "{{ exec('1') }}",
    "{{ open('/etc/passwd') }}",
    "{{ getattr(s, '__class__') }}",
    "{{ globals() }}",
    "{{ globals.__class__ }}",
    "{{ vars() }}",
    "{{ type(s) }}",
    "{{ t_1 }}",
    "{{ t_1(context, 0, 'x') }}",
    "{{ l_1_round }}",
    "{{ caller() }}",
    "{{ super() }}",
    "{{ parent() }}",
    "{{ s | attr('__class__') }}",
    "{{ s | map(attribute='__class__') | list }}",
    "{{ l | map('upper') }}",
    "{{ l | select('defined') }}",
    "{{ l | groupby('__class__') }}",
    "{{ l | sort(attribute='__class__') }}",
    "{{ s | xmlattr }}",
    "{{ s | pprint }}",
    "{{ s | tojson }}",
    "{{ s | safe }}",
    "{{ s | raw }}",
    "{{ s | escape }}",
    "{{ '{0.__class__}' | format('x') | format }} {{ nope }}",
    "{{ '%(x)s' | format(m) }}",
    "{% import 'os' as os %}",
    "{% from 'os' import system %}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% autoescape true %}{% endautoescape %}",
    "{% do s.append(1) %}",
    "{% call f() %}{% endcall %}",
    "{% with a = 1 %}{% endwith %}",
    "{% trans %}{% endtrans %}",
    "{% debug %}",
    "{% cache 'x' %}{% endcache %}",
    "{% parallel %}{% endparallel %}",
    "{% flush %}",
    "{% embed 'x' %}{% endembed %}",
    "{{ '../../etc/passwd' | date(timeZone='../../etc/passwd') }}",
    "{{ 0 | date(timeZone='/etc/passwd') }}",
    "{{ 0 | date(timeZone='../zone.tab') }}",
    "{{ 0 | date(timeZone='Europe/../../../etc/passwd') }}",
    "{{ yaml('!!python/object/apply:os.system [id]').foo }}",
    "{{ 1 | jq('input') }}",
    "{{ 1 | jq('import \"a\" as a; 1') }}",
    "{{ 1 | jq('include \"a\"; 1') }}",
    "{{ 1 | jq('$__prog_args') }}",
    "{{ 1 | jq('input_filename') }}",
    "{{ 1 | jq('get_search_list') }}",
    "{{ 1 | jq('halt_error') }}",
]
SCOPE = Scope({"s": "text", "l": [1, "a"], "m": {"k": "v"}, "n": 3}, now_ms=0, world={})


def _fails(template: str) -> None:
    with pytest.raises(RenderError):
        compile_template(template).render(SCOPE)


@pytest.mark.parametrize("attribute", ATTRIBUTES)
@pytest.mark.parametrize("value", ["s", "l", "m", "n"])
def test_no_attribute_of_a_python_object_is_reached(value: str, attribute: str) -> None:
    _fails("{{ " + f"{value}.{attribute}" + " }}")


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("key", ["__class__", "__init__", "__globals__", "__dict__", "upper", "append", "items", "pop"])
def test_no_attribute_is_reached_by_subscript(value: str, key: str) -> None:
    _fails("{{ " + f"{value}['{key}']" + " }}")
    _fails("{% set k = '" + key + "' %}{{ " + f"({value})[k]" + " }}")


@pytest.mark.parametrize("template", TEMPLATES)
def test_nothing_of_jinja_python_or_java_is_there(template: str) -> None:
    _fails(template)


def test_what_the_world_returns_is_printed_or_refused_but_never_opened_up() -> None:
    class Strange:
        secret = "canary"

    scope = Scope({"o": Strange()}, 0, world={"kv": lambda key: Strange()})
    for template in ("{{ o }}", "{{ o.secret }}", "{{ o['secret'] }}", "{{ kv('x').secret }}", "{{ kv('x') }}"):
        with pytest.raises(RenderError) as caught:
            compile_template(template).render(scope)
        assert "canary" not in caught.value.message


def test_a_yaml_tag_makes_no_python_object() -> None:
    text = "{{ yaml('!!python/object/apply:os.system [id]') }}"
    assert compile_template(text).render(SCOPE) == '["id"]'


def test_jq_sees_no_environment() -> None:
    assert compile_template("{{ 1 | jq('env, $ENV') }}").evaluate(SCOPE) == [{}, {}]


def test_a_template_in_a_value_stays_text_until_it_is_asked_for() -> None:
    scope = Scope({"user": "{{ secret('KEY') }}", "m": {"{{ secret('KEY') }}": 1}}, 0)
    assert compile_template("{{ user }}{{ m }}").render(scope) == "{{ secret('KEY') }}" + "{\"{{ secret('KEY') }}\":1}"


def test_generated_code_never_holds_text_of_the_template_but_as_a_literal() -> None:
    nasty = "'); import os; os.system('id'); ('"
    template = compile_template('{{ "' + nasty + '" }}{{ m["' + nasty + '"] ?? 1 }}{{ x' + " ?? '" + "y' }}" + nasty)
    assert template.render(SCOPE) == nasty + "1y" + nasty


GENERATED = [
    "{{ a.b['c'] | upper ~ 1.5 ?? x }}{% for i in l %}{{ loop.index }}{% else %}n{% endfor %}",
    "{% macro m(a, b='x') %}{{ a }}{% endmacro %}{{ m(1, b=2) }}{% block q %}t{% endblock %}{{ block('q') }}",
    "{% if a and not b or c %}{{ [1, {'k': v}] }}{% elseif d %}{% set e = f(g) %}{% endif %}{% raw %}{{{% endraw %}",
    "{% filter upper | replace({'a': 'b'}) %}{{ s.trim('x') ? 1 : secret('y') }}{% endfilter %}{{ z is defined }}",
]


@pytest.mark.parametrize("template", GENERATED)
def test_generated_code_calls_our_operations_and_nothing_else(template: str) -> None:
    source = python_source(Bridge(parse(template)[0], Dialect.V1).template())
    allowed = {"context.resolve_or_missing", "environment.undefined", "environment.concat", "environment.long"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) in allowed
        if isinstance(node, ast.Call):
            assert re.fullmatch(r"t_\d+|float|environment\.long", ast.unparse(node.func)), ast.unparse(node)
        if isinstance(node, ast.ImportFrom):
            ours = ("engine.expression.operations", "engine.expression.statements")
            assert node.module in ours or node.module == "jinja2.runtime"
        assert not isinstance(node, (ast.Import, ast.Subscript, ast.Global, ast.Nonlocal, ast.With, ast.Try))
