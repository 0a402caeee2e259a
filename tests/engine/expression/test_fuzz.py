"""Whatever is thrown at the language, nothing but its own errors comes back."""

import contextlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.expression import Budget, Dialect, NeedsWorld, RenderError, Scope, compile_template
from engine.expression.filters import FILTERS
from engine.expression.functions import FUNCTIONS

SCOPE = Scope(
    {
        "s": "text",
        "e": "",
        "n": 7,
        "d": 1.5,
        "t": True,
        "z": None,
        "l": [1, "a", None, 2.5],
        "m": {"k": "v", "n": {"x": [1]}},
        "date": "2013-09-08T16:19:12.123456+01:00",
        "j": '{"a": [1, {"b": null}]}',
    },
    now_ms=1_700_000_000_000,
    entropy="fuzz",
)
BUDGET = Budget(steps=5000, output_bytes=50_000)
WORDS = [
    *("s", "e", "n", "d", "t", "z", "l", "m", "date", "j", "nope", "m.k", "m.n.x[0]", "l[1]", "null", "true", "1", "0"),
    *("-1", "2.5", "100L", "'a'", '"b"', "''", "[]", "{}", "[1, 2]", "{'a': 1}", '"#{s}x"', "1..3", "'.a'", "'yyyy'"),
    *("'%5.2f|%s'", "'UTC'", "'DAYS'", "'#,##0.0'", "'(a+)+$'", "'[0-9]+'", "'{{ s }}'", "'<a>&'", "'😀'"),
]
OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "%",
    "~",
    "==",
    "!=",
    "<",
    ">=",
    "and",
    "or",
    "??",
    "???",
    "contains",
    "isIn",
    "matches",
]
SOUP = [
    *WORDS,
    *OPERATORS,
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-",
    " ",
    "|",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ".",
    ",",
    ":",
]
SOUP += [
    "?",
    "=",
    "if",
    "else",
    "endif",
    "for",
    "in",
    "endfor",
    "set",
    "macro",
    "raw",
    "endraw",
    "is",
    "not",
    "defined",
]


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    kind = draw(st.integers(0, 9 if depth else 0))
    inner = expressions(depth - 1)
    if kind <= 1:
        return draw(st.sampled_from(WORDS))
    if kind <= 3:
        return f"({draw(inner)} {draw(st.sampled_from(OPERATORS))} {draw(inner)})"
    arguments = ", ".join(draw(st.lists(inner, max_size=3)))
    if kind <= 6:
        return f"({draw(inner)} | {draw(st.sampled_from(sorted(FILTERS)))}({arguments}))"
    if kind == 7:
        return f"{draw(st.sampled_from(sorted(FUNCTIONS)))}({arguments})"
    if kind == 8:
        return f"({draw(inner)} ? {draw(inner)} : {draw(inner)})"
    return f"({draw(inner)} is {draw(st.sampled_from(['defined', 'not empty', 'null', 'even', 'map', 'json']))})"


def _render(template: str, dialect: Dialect) -> None:
    try:
        made = compile_template(template, dialect)
        assert made.reads is not None
        made.render(SCOPE, BUDGET)
        made.evaluate(SCOPE, BUDGET)
    except (RenderError, NeedsWorld):
        pass


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(expressions(), st.sampled_from(Dialect))
def test_an_expression_renders_or_fails_with_our_error(expression: str, dialect: Dialect) -> None:
    _render("{{ " + expression + " }}", dialect)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(SOUP), max_size=25), st.sampled_from(["", " "]))
def test_a_soup_of_tokens_renders_or_fails_with_our_error(tokens: list[str], joint: str) -> None:
    _render("{{ " + joint.join(tokens), Dialect.V1)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=60))
def test_any_text_is_itself_or_fails_with_our_error(text: str) -> None:
    _render(text, Dialect.V1)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet=".[]{}()|,:;?\"'$@ ab01<>=+-*/%#\\asdefmapifthenelse", max_size=30))
def test_any_jq_program_gives_results_or_fails_with_our_error(program: str) -> None:
    scope = Scope({"p": program, "m": SCOPE.variables["m"]}, 0)
    with contextlib.suppress(RenderError):
        compile_template("{{ m | jq(p) }}").render(scope, BUDGET)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(max_size=40), st.sampled_from(["fromJson", "fromIon", "yaml"]))
def test_any_data_is_read_or_fails_with_our_error(text: str, function: str) -> None:
    with contextlib.suppress(RenderError):
        compile_template("{{ " + function + "(x) }}").render(Scope({"x": text}, 0), BUDGET)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.text(alphabet="GuyDMLdQqYwWEecFaBhHkKmsSAnNVvzOXxZp'[]{}#-:/ .", max_size=12), st.text(max_size=20))
def test_any_date_pattern_writes_and_reads_or_fails_with_our_error(pattern: str, text: str) -> None:
    scope = Scope({"p": pattern, "d": SCOPE.variables["date"], "x": text}, 0)
    for template in (
        "{{ d | date(p) }}",
        "{{ x | date(existingFormat=p) }}",
        "{{ d | date(p) | date(existingFormat=p) }}",
    ):
        with contextlib.suppress(RenderError):
            compile_template(template).render(scope, BUDGET)
