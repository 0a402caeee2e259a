"""Patterns of output files."""

from __future__ import annotations

import pytest

from worker.context import TaskFailed
from worker.scripts.globs import matcher_of


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.txt", "a.txt", True),
        ("*.txt", "b/a.txt", False),
        ("./a.txt", "a.txt", True),
        ("**/*.txt", "a.txt", True),
        ("**/*.txt", "b/c/a.txt", True),
        ("**", "b/c/a.txt", True),
        ("out/**", "out/b/a.txt", True),
        ("out/**", "other/a.txt", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("data.{csv,json}", "data.json", True),
        ("data.{csv,json}", "data.xml", False),
        ("[a-c]1", "b1", True),
        ("[!a-c]1", "b1", False),
        ("[!a-c]1", "/1", False),
        ("a+b(1).txt", "a+b(1).txt", True),
        (r"a\*b", "a*b", True),
        (r"a\*b", "axb", False),
        ("a,b}", "a,b}", True),
        ("glob:*.txt", "a.txt", True),
    ],
)
def test_a_pattern_matches_what_it_says(pattern: str, path: str, matches: bool) -> None:
    assert matcher_of(pattern)(path) is matches


@pytest.mark.parametrize("pattern", ["../*", "/etc/*", "a/../../b", "[abc", "{a,b", "a\\", "x" * 2000])
def test_a_pattern_that_leads_out_or_is_malformed_is_refused(pattern: str) -> None:
    with pytest.raises(TaskFailed, match="outputFiles"):
        matcher_of(pattern)


def test_a_pattern_of_many_stars_does_not_take_for_ever() -> None:
    matches = matcher_of("**/" * 12 + "*x*x*x*")
    try:
        assert not matches("a/" * 20 + "y" * 30)
    except TaskFailed as failed:
        assert "takes too long" in str(failed)
