"""Bytes of a pipe to lines, whatever comes: partial lines, no line ends at all, binary rubbish, floods.

Owns the splitting and its bounds. What a line means is `worker/scripts/protocol.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator

LINE_BYTES_MAX = 64 * 1024
"""A longer line is cut: it must fit into a record of the log many times over."""

PROTOCOL_BYTES_MAX = 1024 * 1024
"""A line that carries outputs may be longer, up to what a report can hold."""

MARK = b"::{"


class LineSplitter:
    """Splits one stream."""

    def __init__(self) -> None:
        self._line = bytearray()
        """What is kept of the line that hasn't ended yet."""
        self._cut = 0
        """How many bytes of it were thrown away."""
        self.only_marked = False
        """Nobody reads ordinary lines any more: return only those that begin with the protocol's mark."""

    def feed(self, chunk: bytes) -> Iterator[str]:
        """Yield the lines that end in this chunk."""
        if self.only_marked and MARK not in chunk and self._line[:1] != MARK[:1]:
            end = chunk.rfind(b"\n")
            if end >= 0:
                self._line.clear()
                self._cut = 0
            # The next line may begin with a part of the mark.
            self._take(chunk[end + 1 :])
            return
        pieces = chunk.split(b"\n")
        rest = pieces.pop()
        for piece in pieces:
            self._take(piece)
            yield from self.end()
        self._take(rest)

    def end(self) -> Iterator[str]:
        """Yield the line that stands in the hand, if there is one; call it at the end of the stream."""
        line, cut = self._line, self._cut
        if not self.only_marked or line.startswith(MARK):
            text = line.decode("utf-8", "replace").rstrip("\r").replace("\0", "\ufffd")
            yield f"{text} … ({cut} bytes more)" if cut else text
        self._line = bytearray()
        self._cut = 0

    @property
    def unfinished(self) -> bool:
        """Whether a line has begun and not ended."""
        return bool(self._line)

    def _take(self, piece: bytes) -> None:
        line = self._line
        room = LINE_BYTES_MAX - len(line)
        if len(piece) > room:
            if (line or piece).startswith(MARK):
                room = PROTOCOL_BYTES_MAX - len(line)
            room = max(room, 0)
            self._cut += max(len(piece) - room, 0)
            piece = piece[:room]
        line += piece
