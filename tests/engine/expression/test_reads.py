import pytest

from engine.expression import Dialect, Dynamic, compile_template


def reads(template):
    return compile_template(template).reads


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("plain", ()),
        ("{{ a }}", (("a",),)),
        ("{{ outputs.a.value }}", (("outputs", "a", "value"),)),
        ("{{ outputs['my-task']['value'] }}", (("outputs", "my-task", "value"),)),
        ("{{ outputs.a[0].b }}", (("outputs", "a"),)),
        ("{{ outputs.a.value | upper ~ inputs.x }}", (("inputs", "x"), ("outputs", "a", "value"))),
        ("{{ a ?? b.c }}", (("a",), ("b", "c"))),
        ("{{ a is defined ? a.b : c }}", (("a",), ("a", "b"), ("c",))),
        ("{{ {'k': a, b: [c]} }}", (("a",), ("b",), ("c",))),
        ('{{ "x #{a.b} y" }}', (("a", "b"),)),
        ("{{ a | default(b) }}", (("a",), ("b",))),
        ("{{ a | date(timeZone=b.zone) }}", (("a",), ("b", "zone"))),
        ("{{ max(a, b) }}", (("a",), ("b",))),
        ("{{ a.name.startsWith(b) }}", (("a", "name"), ("b",))),
        (
            "{% if a %}{{ b }}{% elseif c %}{{ d }}{% else %}{{ e }}{% endif %}",
            (("a",), ("b",), ("c",), ("d",), ("e",)),
        ),
        ("{% filter replace({'a': b}) %}{{ c }}{% endfilter %}", (("b",), ("c",))),
        ("{% raw %}{{ a }}{% endraw %}", ()),
        ("{# {{ a }} #}", ()),
        ("{{ tasksWithState('FAILED') }}", (("tasks",),)),
    ],
)
def test_every_variable_that_may_be_read_is_found(template, paths):
    assert reads(template).paths == paths


def test_a_subscript_that_is_a_variable_stays_in_the_path():
    found = reads("{{ outputs.each[taskrun.value].value }}").paths
    assert found == (("outputs", "each", Dynamic(("taskrun", "value")), "value"), ("taskrun", "value"))


def test_a_dynamic_subscript_inside_a_subscript_is_kept():
    found = reads("{{ a[b[c]] }}").paths
    assert ("a", Dynamic(("b", Dynamic(("c",))))) in found


def test_a_computed_subscript_ends_the_path_and_is_read_itself():
    assert reads("{{ outputs.a[x ~ 'y'].value }}").paths == (("outputs", "a"), ("x",))


def test_names_that_a_loop_set_or_macro_covers_are_no_variables():
    assert reads("{% for x in a.list %}{{ x.y }}{{ loop.index }}{{ b }}{% endfor %}{{ x }}").paths == (
        ("a", "list"),
        ("b",),
        ("x",),
    )
    assert reads("{% set x = a %}{{ x.y }}").paths == (("a",),)
    assert reads("{% macro m(x, y=d) %}{{ x }}{{ y }}{{ z }}{% endmacro %}{{ m(a) }}").paths == (("a",), ("d",), ("z",))


def test_a_subscript_that_a_loop_covers_ends_the_path():
    assert reads("{% for k in keys %}{{ outputs[k].value }}{% endfor %}").paths == (("keys",), ("outputs",))


def test_a_name_set_in_one_branch_is_still_read_behind_it():
    assert ("x",) in reads("{% if a %}{% set x = 1 %}{% endif %}{{ x }}").paths


def test_functions_of_the_world_are_named():
    found = reads("{{ secret('A') }}{{ false ? kv('b') : read(inputs.file) }}")
    assert found.world == {"secret", "kv", "read"}
    assert found.paths == (("inputs", "file"),)


def test_rendering_what_a_variable_holds_may_read_anything():
    assert reads("{{ render(vars.x) }}").dynamic
    assert reads("{{ renderOnce(vars.x) }}").dynamic
    assert reads("{{ printContext() }}").dynamic
    assert reads("{{ render('{{ a }}') }}").dynamic
    assert not reads("{{ render('plain') }}").dynamic
    assert not reads("{{ vars.x }}").dynamic


def test_the_dialect_changes_nothing_about_what_is_read():
    template = "{{ a ?? b | upper == c.d }}"
    assert compile_template(template, Dialect.V2).reads == compile_template(template).reads
