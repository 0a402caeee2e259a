"""Regular expressions mean what they mean in Java."""

import pytest

from engine.expression import RenderError, Scope, compile_template

TEXT = "foo été 12 x-y [a]\tA\x1b"


def replaced(pattern: str, text: str = TEXT) -> str:
    """Return the text with what the pattern finds in angle brackets."""
    return compile_template("{{ t | regexReplace(p, '<$0>') }}").render(Scope({"t": text, "p": pattern}, 0))


@pytest.mark.parametrize(
    ("pattern", "result"),
    [
        (r"\p{Alpha}+", "<foo> é<t>é 12 <x>-<y> [<a>]\t<A>\x1b"),
        (r"\p{L}+", "<foo> <été> 12 <x>-<y> [<a>]\t<A>\x1b"),
        (r"\p{Punct}", "foo été 12 x<->y <[>a<]>\tA\x1b"),
        (r"\P{Alpha}+", "foo< é>t<é 12 >x<->y< [>a<]\t>A<\x1b>"),
        (r"[\p{L}\d]+", "<foo> <été> <12> <x>-<y> [<a>]\t<A>\x1b"),
        (r"[a-f[x-z]]", "<f>oo été 12 <x>-<y> [<a>]\tA\x1b"),
        (r"[a-z&&[^aeiou]]+", "<f>oo é<t>é 12 <x>-<y> [a]\tA\x1b"),
        (r"(?<c>o)\k<c>", "f<oo> été 12 x-y [a]\tA\x1b"),
        (r"\x{66}|\0101|\cI", "<f>oo été 12 x-y [a]<\t><A>\x1b"),
        (r"\e|\h", "foo< >été< >12< >x-y< >[a]<\t>A<\x1b>"),
        (r"(?iu)ÉT", "foo <ét>é 12 x-y [a]\tA\x1b"),
        (r"(?U)\w+", "<foo> <été> <12> <x>-<y> [<a>]\t<A>\x1b"),
        (r"\w+", "<foo> é<t>é <12> <x>-<y> [<a>]\t<A>\x1b"),
        (r"\Q[a]\E", "foo été 12 x-y <[a]>\tA\x1b"),
        (r"\N{LATIN SMALL LETTER X}", "foo été 12 <x>-y [a]\tA\x1b"),
    ],
)
def test_a_pattern_finds_what_java_finds(pattern: str, result: str) -> None:
    assert replaced(pattern) == result


def test_a_line_may_break_in_every_way_that_java_knows() -> None:
    assert replaced(r"\v", "a\r\nb\u2028c") == "a<\r><\n>b<\u2028>c"


@pytest.mark.parametrize(
    "pattern",
    ["a{,2}", "(o){e<=1}", "(?R)", "(?1)", "(?P<a>o)", "(?|a|b)", "(*FAIL)", r"\m", r"\K", r"\Lx", r"\x{110000}"],
)
def test_what_only_other_libraries_know_is_no_pattern(pattern: str) -> None:
    with pytest.raises(RenderError, match="no regular expression"):
        replaced(pattern)
