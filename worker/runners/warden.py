"""The program that stands between a worker and its scripts, so that a script leaves nothing behind.

Owns processes: starting a script with its limits, and ending it with every descendant. It is a program of its own,
started once per worker (`python -I -S warden.py <socket>`), and imports nothing of Penstock: being small and without
threads it may fork. For each attempt it has a warden, a fork that is a *subreaper*: whatever the script starts stays
below its warden, even after `setsid`, a double fork or with an empty environment; once nothing of it is left, the
warden takes the next one. A warden ends its script when the worker says so, and also when the worker is gone (its end
of the control socket is closed then). Some wardens are forked in advance, so that a script doesn't wait for its own. It
needs Linux.

A request is one message with three descriptors: control socket, stdout, stderr. It carries one frame (JSON, see `Spec`
in `launcher.py`), or announces with a single byte that the frame, being long, comes on the control socket. There the
worker says later `T<milliseconds>` or `K`, and the warden answers with one frame.
"""

import array
import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import time
import typing

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NO_NEW_PRIVS = 38
PR_SET_CHILD_SUBREAPER = 36
LENGTH = struct.Struct("!I")
TAKEN = struct.Struct("!i?")
"""What a warden tells the program: its pid, and whether it took a request or waits again."""
STOP_PASSES_MAX = 100
"""A fork bomb is stopped in passes until one finds nothing new; each pass catches all but the last generation."""
END_SECONDS = 10.0
"""How long killed processes may take to vanish; only one that hangs in the kernel takes longer."""

SPARES = 2
"""Wardens that wait for work: forking one takes about as long as starting a shell."""
IDLE_SECONDS = 5.0
"""How long a warden that has worked waits for more: after a burst their number comes down again."""
REQUEST_BYTES_MAX = 1 << 16
SCRIPTS_MAX = 200
"""Scripts of one warden: what its own limits count (CPU time) stays far below them."""

GONE = (BrokenPipeError, ConnectionResetError, EOFError)
"""What reading from and writing to somebody brings who was killed meanwhile."""

LIMITS = sorted({getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_")})

_libc = ctypes.CDLL(None, use_errno=True)


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process."""
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option})")


def serve(requests: socket.socket) -> None:
    """Keep spare wardens ready until the worker is gone, then wait until the last warden is."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    requests.set_inheritable(False)
    signals = wake_on_children()
    taken, tell = os.pipe()
    wardens: set[int] = set()
    spares: set[int] = set()
    poll = select.poll()
    poll.register(requests, 0)
    poll.register(signals, select.POLLIN)
    poll.register(taken, select.POLLIN)
    gc.disable()
    gc.freeze()
    worker_lives = True
    while worker_lives or wardens:
        while worker_lives and len(spares) < SPARES:
            pid = os.fork()
            if pid == 0:
                signals.close()
                os.close(taken)
                attend(requests, tell)
            wardens.add(pid)
            spares.add(pid)
        for descriptor, _ in poll.poll():
            if descriptor == taken:
                for pid, busy in TAKEN.iter_unpack(os.read(taken, 800 * TAKEN.size)):
                    (spares.discard if busy else spares.add)(pid)
                spares &= wardens
            elif descriptor == requests.fileno():
                worker_lives = False
                poll.unregister(requests)
            else:
                signals.recv(4096)
                bury(wardens)
                spares &= wardens


def bury(wardens: set[int]) -> None:
    """Reap what ended. Below a warden that was killed, its script's processes come to us: end them."""
    orphaned = False
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if pid == 0:
            break
        orphaned = orphaned or pid not in wardens or os.WIFSIGNALED(status)
        wardens.discard(pid)
    if orphaned:
        for pid in children(os.getpid()) - wardens:
            for each in {pid, *descendants(pid)}:
                send(each, signal.SIGKILL)


def wake_on_children() -> socket.socket:
    """Return a socket that becomes readable when a child ends."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    return ours


def attend(requests: socket.socket, tell: int) -> None:
    """Run the scripts of one request after the other, and exit. Never returns."""
    try:
        old = signal.set_wakeup_fd(-1)
        if old >= 0:
            os.close(old)
        signals = wake_on_children()
        os.setsid()
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        served = 0
        waiting = select.epoll()
        # Each request wakes one warden, the longest one here: it has what it needs in the processor's caches.
        waiting.register(requests, select.EPOLLIN | select.EPOLLEXCLUSIVE)
        kept: list[typing.Any] | None = []
        while kept is not None and served < SCRIPTS_MAX:
            # A warden in waiting ends with the program; one at work sees its script to the end.
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            data, received = receive(requests, waiting, IDLE_SECONDS if served else None)
            prctl(PR_SET_PDEATHSIG, 0)
            if not received:
                break
            os.write(tell, TAKEN.pack(os.getpid(), True))
            kept = serve_one(signals, kept, data[1:], *received)
            served += 1
            if kept is not None and served < SCRIPTS_MAX:
                os.write(tell, TAKEN.pack(os.getpid(), False))
    except GONE:
        # The worker or the program above us was killed. Who is left says so; here is nobody to tell.
        os._exit(1)
    except BaseException as error:
        sys.stderr.write(f"warden: {error!r}\n")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def serve_one(
    signals: socket.socket, kept: "list[typing.Any]", request: bytes, control_fd: int, out: int, err: int
) -> "list[typing.Any] | None":
    """Run one script to its end.

    Args:
        signals: Readable when a child ends.
        kept: What this returned for the script before; empty for the first.
        request: The frame, empty if it comes on the control socket.
        control_fd: The control socket.
        out: Write end of stdout.
        err: Write end of stderr.

    Returns:
        What the warden is prepared for, if it is as good as new afterwards; None if it must go.
    """
    with socket.socket(fileno=control_fd) as control:
        spec = json.loads(request[LENGTH.size :] or read_frame(control))
        answer: dict[str, typing.Any]
        wanted = [spec["limits"], spec["no_new_privileges"], spec["cgroups"]]
        main = None
        try:
            if kept[:1] != [wanted]:
                kept = []
                prepare(spec)
                # Before the script runs: it could be quicker than a look afterwards.
                kept = [wanted, inherited()]
            os.chdir(spec["directory"])
            main = start(spec, out, err)
        except OSError as error:
            answer = {"refused": f"{error.filename or spec['arguments'][0]}: {error.strerror}"}
        finally:
            os.close(out)
            os.close(err)
            os.chdir("/")
        if main is not None:
            answer = watch(main, control, signals)
        # A worker that was killed, or has closed its end, waits for no answer.
        with contextlib.suppress(*GONE):
            control.sendall(frame(answer))
    # One that is in a control group must go, so that the group can; a process that hangs is its parent's for ever; and
    # a script of the same user may have changed what the next one would inherit.
    return kept if kept and not spec["cgroups"] and not answer.get("stuck") and inherited() == kept[1] else None


def inherited() -> "list[typing.Any]":
    """Return what another process can change of this one and scripts inherit: limits, priority, processors."""
    limits = [resource.getrlimit(kind) for kind in LIMITS]
    return [limits, os.getpriority(os.PRIO_PROCESS, 0), os.sched_getaffinity(0), os.sched_getscheduler(0)]


def receive(requests: socket.socket, waiting: "select.epoll", patience_s: "float | None") -> "tuple[bytes, list[int]]":
    """Wait for a request and return it with its descriptors; none if the worker is gone, or if none comes so long."""
    numbers = array.array("i")
    until = None if patience_s is None else time.monotonic() + patience_s
    # Closed by exec, so that no script gets them; `socket.recv_fds` drops that flag.
    flags = socket.MSG_CMSG_CLOEXEC | socket.MSG_DONTWAIT
    while True:
        left = None if until is None else max(until - time.monotonic(), 0)
        if not waiting.poll(left):
            return b"", []
        try:
            data, ancillary, _, _ = requests.recvmsg(REQUEST_BYTES_MAX, socket.CMSG_LEN(3 * numbers.itemsize), flags)
            break
        except BlockingIOError:
            continue  # another warden was quicker
    for level, kind, carried in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            numbers.frombytes(carried[: len(carried) - len(carried) % numbers.itemsize])
    return data, list(numbers) if data else []


def prepare(spec: dict[str, typing.Any]) -> None:
    """Set on the warden itself what the script is to inherit: spawning without a fork's copy of memory is faster."""
    os.umask(0o077)
    limit(resource.RLIMIT_CORE, 0)
    for name, value in spec["limits"].items():
        limit(getattr(resource, name), value)
    prefer_to_be_killed()
    for group in spec["cgroups"]:
        with open(group, "w") as file:
            file.write(str(os.getpid()))
    if spec["no_new_privileges"]:
        prctl(PR_SET_NO_NEW_PRIVS, 1)
    # The script may have the same user: keep it from reading or steering the warden.
    prctl(PR_SET_DUMPABLE, 0)


def start(spec: dict[str, typing.Any], out: int, err: int) -> int:
    """Start the script and return its pid."""
    environment = spec["environment"]
    program = find(spec["arguments"][0], environment.get("PATH", os.defpath))
    if spec["user"] is not None:
        return start_as(spec, program, out, err)
    return os.posix_spawn(
        program,
        spec["arguments"],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, out, 1),
            (os.POSIX_SPAWN_DUP2, err, 2),
        ],
        setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT],
        setsid=True,
    )


def start_as(spec: dict[str, typing.Any], program: str, out: int, err: int) -> int:
    """Start the script as another user. The warden stays root, out of the script's reach."""
    user, group = spec["user"]
    started = subprocess.Popen(
        spec["arguments"],
        executable=program,
        env=spec["environment"],
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        start_new_session=True,
        user=user,
        group=group,
        extra_groups=[],
    )
    # We reap it ourselves; a later `Popen` must not wait for a number that may be another's by then.
    started.returncode = 0
    return started.pid


def find(program: str, path: str) -> str:
    """Return where a program is; the script's own PATH counts."""
    if "/" in program:
        return program
    for folder in path.split(os.pathsep):
        candidate = os.path.join(folder or ".", program)
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    raise FileNotFoundError(2, os.strerror(2), program)


def limit(kind: int, value: int) -> None:
    """Lower a limit; one that is lower already stays."""
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def prefer_to_be_killed() -> None:
    """When memory runs out, the kernel is to take the script and not the worker."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        pass


def watch(main: int, control: socket.socket, signals: socket.socket) -> dict[str, typing.Any]:
    """Wait for the script's end, or end it; then end what it left behind. Return the answer."""
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(signals, select.POLLIN)
    ended = Ended(main)
    kill_at = None
    while ended.status is None and ended.some_remain:
        left: float | None = None if kill_at is None else max(kill_at - time.monotonic(), 0) * 1000
        ready = poll.poll(left)
        if kill_at is not None and time.monotonic() >= kill_at:
            end_all(ended, signals)
            break
        for descriptor, _ in ready:
            if descriptor == signals.fileno():
                signals.recv(4096)
                ended.reap()
                continue
            order = control.recv(64)
            if order[:1] == b"T":
                for pid in descendants(os.getpid()):
                    send(pid, signal.SIGTERM)
                kill_at = time.monotonic() + int(order[1:].partition(b"K")[0] or b"0") / 1000
            if order[:1] != b"T" or b"K" in order:
                # Killed at once, or the worker is gone.
                end_all(ended, signals)
                break
    left_behind = len(descendants(os.getpid())) if ended.some_remain else 0
    if left_behind:
        end_all(ended, signals)
    return {
        "code": None if ended.status is None else os.waitstatus_to_exitcode(ended.status),
        "left_behind": left_behind,
        "stuck": ended.some_remain,
        "cpu_s": ended.cpu_s,
        "memory_kb": ended.memory_kb,
    }


class Ended:
    """What of one script has ended."""

    def __init__(self, main: int) -> None:
        self.main = main
        self.status: int | None = None
        """Wait status of the script itself."""
        self.some_remain = True
        self.cpu_s = 0.0
        self.memory_kb = 0

    def reap(self) -> None:
        """Reap everything that has ended by now."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self.some_remain = False
                return
            if pid == 0:
                return
            self.cpu_s += usage.ru_utime + usage.ru_stime
            self.memory_kb = max(self.memory_kb, usage.ru_maxrss)
            if pid == self.main:
                self.status = status


def end_all(ended: Ended, signals: socket.socket) -> None:
    """Kill every descendant. Only what hangs in the kernel remains."""
    seen: set[int] = set()
    for _ in range(STOP_PASSES_MAX):
        found = descendants(os.getpid()) - seen
        if not found:
            break
        for pid in found:
            # Stopped first, all of them: what runs could fork faster than we look.
            send(pid, signal.SIGSTOP)
        seen |= found
    give_up_at = time.monotonic() + END_SECONDS
    while ended.some_remain and time.monotonic() < give_up_at:
        for pid in descendants(os.getpid()):
            send(pid, signal.SIGKILL)
        ended.reap()
        if ended.some_remain:
            select.select([signals], [], [], 0.02)
            with contextlib.suppress(BlockingIOError):
                signals.recv(4096)


def descendants(of: int) -> set[int]:
    """Return the pids of all processes below `of`."""
    found: set[int] = set()
    waiting = [of]
    while waiting:
        for pid in children(waiting.pop()) - found:
            found.add(pid)
            waiting.append(pid)
    return found


def children(of: int) -> set[int]:
    """Return the pids of the direct children of a process; none if it has ended."""
    found: set[int] = set()
    try:
        for thread in os.listdir(f"/proc/{of}/task"):
            with open(f"/proc/{of}/task/{thread}/children") as file:
                found.update(map(int, file.read().split()))
    except OSError:
        if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
            return children_by_stat(of)
    return found


def children_by_stat(of: int) -> set[int]:
    """The same on a kernel without the list of children."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    if int(file.read().rpartition(")")[2].split()[1]) == of:
                        found.add(int(name))
            except OSError:
                continue
    return found


def send(pid: int, number: int) -> None:
    """Send a signal; a process that is gone already doesn't mind."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def frame(value: dict[str, typing.Any]) -> bytes:
    """Return a value with its length in front."""
    data = json.dumps(value).encode()
    return LENGTH.pack(len(data)) + data


def read_frame(control: socket.socket) -> bytes:
    """Read what the other end sent with `frame`."""
    (length,) = LENGTH.unpack(read_exactly(control, LENGTH.size))
    return read_exactly(control, length)


def read_exactly(control: socket.socket, length: int) -> bytes:
    """Read so many bytes."""
    data = bytearray()
    while len(data) < length:
        chunk = control.recv(length - len(data))
        if not chunk:
            raise EOFError("the worker is gone")
        data += chunk
    return bytes(data)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
