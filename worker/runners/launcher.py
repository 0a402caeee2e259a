"""Starts scripts through a warden program, and holds the worker's ends of their pipes.

Owns the one warden program of a process (`warden.py`, started when first needed and again if it died) and the request
protocol. What comes out of the pipes is `process.py`'s.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

_LENGTH = struct.Struct("!I")
_FRAME_BYTES_MAX = 60_000
"""A longer request goes to its warden alone: the queue that all of them read has room for little more."""
_PROGRAM = Path(__file__).with_name("warden.py")


class LaunchError(Exception):
    """A script couldn't be started; the message says why."""


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """What to start."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    """The whole environment; nothing is inherited."""
    directory: str
    limits: Mapping[str, int] = {}
    """By name of the resource (`RLIMIT_CPU` …); soft and hard."""
    user: tuple[int, int] | None = None
    """User and group id to become; only root can."""
    cgroups: Sequence[str] = ()
    """Files of control groups that the script's processes are to be in."""
    no_new_privileges: bool = True
    """No setuid program below gains anything."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the warden tells at the end."""

    code: int | None = None
    """Exit code; -n if signal n ended it; None if that is unknown."""
    refused: str | None = None
    """Why the program couldn't be executed at all."""
    left_behind: int = 0
    """How many processes the script had left running; they were killed."""
    stuck: bool = False
    """True if one of them didn't go even then."""
    cpu_s: float = 0.0
    memory_kb: int = 0


class Launched:
    """A script that runs. One thread reads it; `terminate` and `kill` may come from any."""

    def __init__(self, control: socket.socket, out: int, err: int) -> None:
        self.control = control
        self.out = out
        self.err = err
        self._answer = bytearray()
        self._lock = threading.Lock()
        self._closed = False

    def terminate(self, grace_ms: int) -> None:
        """Ask every process of the script to end, and kill them when the grace is over."""
        self._order(b"T%d" % grace_ms)

    def kill(self) -> None:
        """Kill every process of the script."""
        self._order(b"K")

    def _order(self, order: bytes) -> None:
        with self._lock, contextlib.suppress(OSError):
            if not self._closed:
                self.control.send(order)

    def receive(self) -> Answer | None:
        """Read from the control socket, which is readable; return the answer once it is there."""
        try:
            chunk = self.control.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise LaunchError("The program that watches over scripts was killed; this script was ended with it.")
        self._answer += chunk
        if len(self._answer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._answer)
        if len(self._answer) < _LENGTH.size + length:
            return None
        return msgspec.json.decode(self._answer[_LENGTH.size : _LENGTH.size + length], type=Answer)

    def close(self) -> None:
        """Close our ends; a script that still runs is killed by that."""
        with self._lock:
            self._closed = True
            self.control.close()
        os.close(self.out)
        os.close(self.err)


class Launcher:
    """The warden program of this process. Any thread may call it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: socket.socket | None = None
        self._program: subprocess.Popen[bytes] | None = None

    def launch(self, spec: Spec) -> Launched:
        """Start a script.

        Raises:
            LaunchError: If that isn't possible here and now (too many open files, no memory).
        """
        handles: list[int] = []
        control: socket.socket | None = None
        try:
            control, theirs = socket.socketpair()
            out, out_end = os.pipe()
            handles += [out, out_end]
            err, err_end = os.pipe()
            handles += [err, err_end]
            data = json.dumps(msgspec.to_builtins(spec)).encode()
            frame = _LENGTH.pack(len(data)) + data
            short = len(frame) <= _FRAME_BYTES_MAX
            with theirs:
                self._request(b"+" + frame if short else b"+", [theirs.fileno(), out_end, err_end])
            if not short:
                control.sendall(frame)
        except (OSError, LaunchError) as error:
            for each in handles:
                os.close(each)
            if control is not None:
                control.close()
            if isinstance(error, LaunchError):
                raise
            raise LaunchError(f"The script can't be started: {error}") from error
        os.close(out_end)
        os.close(err_end)
        return Launched(control, out, err)

    def warm_up(self) -> None:
        """Start the warden program now, so that the first script doesn't wait for it.

        Raises:
            LaunchError: If it can't be started here.
        """
        try:
            with self._lock:
                self._ensure()
        except OSError as error:
            raise LaunchError(f"The program that watches over scripts can't be started: {error}") from error

    def close(self) -> None:
        """End the warden program, and with it every script."""
        with self._lock:
            if self._requests is not None:
                self._requests.close()
                self._requests = None
            if self._program is not None:
                self._program.wait()
                self._program = None

    def _request(self, message: bytes, descriptors: list[int]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._ensure(), [message], descriptors)
            except (BrokenPipeError, ConnectionResetError):
                self._end()
                socket.send_fds(self._ensure(), [message], descriptors)

    def _end(self) -> None:
        """Forget a program that is gone or good for nothing; its scripts end by themselves."""
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._program is not None:
            self._program.kill()
            self._program.wait()
            self._program = None

    def _ensure(self) -> socket.socket:
        if self._program is not None and self._program.poll() is not None:
            self._end()
        if self._requests is None:
            if sys.platform != "linux":
                raise LaunchError("Scripts run on Linux only: nothing else lets a worker end all that they start.")
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._program = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno())],
                    pass_fds=[theirs.fileno()],
                    env={"PATH": os.defpath},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    start_new_session=True,
                )
            self._requests = ours
        return self._requests
