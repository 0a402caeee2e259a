"""Bytes to lines, whatever the bytes are."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from worker.runners.lines import LINE_BYTES_MAX, PROTOCOL_BYTES_MAX, LineSplitter


def split(chunks: Iterable[bytes], *, only_marked: bool = False) -> list[str]:
    splitter = LineSplitter()
    splitter.only_marked = only_marked
    found = [line for chunk in chunks for line in splitter.feed(chunk)]
    return found + (list(splitter.end()) if splitter.unfinished else [])


@given(st.lists(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"])), min_size=1), st.data())
def test_lines_come_whole_wherever_the_chunks_are_cut(lines: list[str], data: st.DataObject) -> None:
    whole = "".join(f"{line}\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    chunks = [whole[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]

    assert split(chunks) == lines


def test_windows_line_ends_and_what_is_no_text_become_text() -> None:
    assert split([b"a\r\nb\xff\0\n"]) == ["a", "b\ufffd\ufffd"]


def test_a_long_line_is_cut_and_says_how_much_is_missing() -> None:
    (line,) = split([b"x" * 1000] * 100)

    assert line == "x" * LINE_BYTES_MAX + f" … ({100_000 - LINE_BYTES_MAX} bytes more)"


def test_after_a_long_line_the_next_one_is_whole() -> None:
    assert split([b"x" * 200_000, b"y" * 10, b"\nnext\n"])[1] == "next"


def test_a_line_of_the_protocol_may_be_longer() -> None:
    line = b"::{" + b"x" * 500_000 + b"}::"
    assert split([line + b"\n"]) == [line.decode()]
    assert len(split([b"::{" + b"x" * 3_000_000])[0]) < PROTOCOL_BYTES_MAX + 100


def test_when_nobody_reads_on_only_marked_lines_are_returned() -> None:
    chunks = [b"flood\nflood", b"\nflood\n::", b"{1}::\nfl", b"ood ::{no}::\n", b":", b"more\n::{2}::\n"]

    assert split(chunks, only_marked=True) == ["::{1}::", "::{2}::"]


@given(st.lists(st.sampled_from([b"flood\n", b"::", b"{1}::\n", b"::{1}::\n", b"x", b"\n", b":"]), max_size=30))
def test_marked_lines_are_found_wherever_the_chunks_are_cut(chunks: list[bytes]) -> None:
    assert split(chunks, only_marked=True) == [line for line in split([b"".join(chunks)]) if line.startswith("::{")]
