"""Scripts as real processes: whatever they do, nothing of them is left."""

from __future__ import annotations

import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.kill import Kill, Why
from worker.runners.cgroups import CgroupSettings
from worker.runners.folders import AttemptFolder
from worker.runners.launcher import LaunchError
from worker.runners.process import Finished, ProcessRunner
from worker.runners.settings import ProcessSettings

WAIT_S = 20
ROOT = Path(__file__).parents[2]


class Lines:
    """A sink that keeps lines and tells when one has come."""

    def __init__(self) -> None:
        self.all: list[tuple[str, bool]] = []
        self.came = threading.Condition()

    def line(self, text: str, from_stderr: bool) -> bool:
        with self.came:
            self.all.append((text, from_stderr))
            self.came.notify_all()
        return True

    def pause(self) -> None:
        pass

    def wait_for(self, count: int) -> list[str]:
        with self.came:
            assert self.came.wait_for(lambda: len(self.all) >= count, WAIT_S)
            return [text for text, _ in self.all]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attempts")


@pytest.fixture(scope="module")
def runner(base: Path) -> Iterator[ProcessRunner]:
    made = ProcessRunner(ProcessSettings(folder=base, kill_grace_ms=300))
    yield made
    made.close()


@pytest.fixture
def folder(runner: ProcessRunner) -> Iterator[AttemptFolder]:
    made = AttemptFolder(runner.settings)
    yield made
    made.remove()


class Running:
    """A script in a thread of its own."""

    def __init__(self, runner: ProcessRunner, folder: AttemptFolder, script: str) -> None:
        self.lines = Lines()
        self.kill = Kill()
        self.finished: Finished | None = None

        def work() -> None:
            self.finished = sh(runner, folder, script, self.lines, self.kill)

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def join(self) -> Finished:
        self._thread.join(WAIT_S)
        assert self.finished is not None
        return self.finished


def sh(
    runner: ProcessRunner,
    folder: AttemptFolder,
    script: str,
    lines: Lines | None = None,
    kill: Kill | None = None,
    env: dict[str, str] | None = None,
) -> Finished:
    environment = runner.environment(folder, env or {})
    return runner.run(["/bin/sh", "-c", script], environment, folder, lines or Lines(), kill or Kill())


def lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_lines_of_both_streams_come_with_the_exit_code(runner: ProcessRunner, folder: AttemptFolder) -> None:
    lines = Lines()
    finished = sh(runner, folder, "echo out; echo err >&2; printf unfinished; exit 3", lines)

    assert finished.code == 3
    assert ("out", False) in lines.all
    assert ("err", True) in lines.all
    assert ("unfinished", False) in lines.all


def test_lines_come_while_the_script_runs(runner: ProcessRunner, folder: AttemptFolder) -> None:
    running = Running(runner, folder, "echo first; while [ ! -e go ]; do :; done; echo second")
    running.lines.wait_for(1)
    (folder.work / "go").touch()

    assert running.join().code == 0
    assert running.lines.wait_for(2) == ["first", "second"]


def test_a_script_gets_a_clean_environment_and_no_descriptors(
    runner: ProcessRunner, folder: AttemptFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "worker's own")
    lines = Lines()
    sh(runner, folder, "env; echo --; ls /proc/self/fd; umask; pwd; wc -c <&0; ulimit -c", lines, env={"GIVEN": "yes"})

    texts = [text for text, _ in lines.all]
    names = {text.partition("=")[0] for text in texts[: texts.index("--")]}
    assert "GIVEN" in names
    assert names <= {
        "GIVEN",
        "HOME",
        "TMPDIR",
        "PATH",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "TZ",
    }
    # 3 is what `ls` itself opens.
    assert texts[texts.index("--") + 1 :] == ["0", "1", "2", "3", "0077", str(folder.work), "0", "0"]


def test_the_folders_are_for_this_user_only_and_vanish(runner: ProcessRunner) -> None:
    made = AttemptFolder(runner.settings)
    sh(runner, made, "mkdir -p a/b; touch a/b/c; chmod 0 a/b; chmod 500 a; ln -s / root")
    assert stat.S_IMODE(made.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(made.work.stat().st_mode) == 0o700

    made.remove()
    assert not made.root.exists()
    assert Path("/bin/sh").exists()


def test_a_program_that_is_missing_says_so(runner: ProcessRunner, folder: AttemptFolder) -> None:
    with pytest.raises(LaunchError, match=r"no-such-program: No such file"):
        runner.run(["no-such-program"], runner.environment(folder, {}), folder, Lines(), Kill())


def test_programs_are_found_by_the_scripts_own_path(runner: ProcessRunner, folder: AttemptFolder) -> None:
    program = folder.work / "tool"
    program.write_text("#!/bin/sh\necho from tool\n")
    program.chmod(0o700)
    lines = Lines()
    runner.run(["tool"], {"PATH": str(folder.work)}, folder, lines, Kill())

    assert lines.all == [("from tool", False)]


def test_a_large_environment_reaches_the_script_whole(runner: ProcessRunner, folder: AttemptFolder) -> None:
    for size in (10, 100_000):
        lines = Lines()
        sh(runner, folder, "echo ${#A} ${#B} ${#C}", lines, env=dict.fromkeys("ABC", "x" * size))

        assert lines.wait_for(1) == [f"{size} {size} {size}"]


def test_a_signal_shows_in_the_exit_code(runner: ProcessRunner, folder: AttemptFolder) -> None:
    finished = sh(runner, folder, "kill -SEGV $$")

    assert (finished.code, finished.signal) == (128 + signal.SIGSEGV, signal.SIGSEGV)


def test_kill_asks_first_and_lets_the_script_clean_up(runner: ProcessRunner, folder: AttemptFolder) -> None:
    running = Running(runner, folder, "trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.01; done")
    running.lines.wait_for(1)
    running.kill.ask(Why.KILLED)

    assert running.join().code == 5
    assert [text for text, from_stderr in running.lines.all if not from_stderr] == ["ready", "bye"]


HIDING = {
    "a child in the background": "sleep 1000 & echo $!; wait",
    "a session of its own": "setsid sleep 1000 & echo $!; wait",
    "an empty environment": "env -i setsid sleep 1000 & echo $!; wait",
    "a daemon": "(setsid sh -c 'echo $$; exec sleep 1000 >/dev/null 2>&1' &) ; sleep 1000",
    "deaf ears": "trap '' TERM; echo $$; while :; do sleep 0.1; done",
    "deaf ears in every child": "trap '' TERM HUP; setsid sh -c 'trap \"\" TERM; echo $$; sleep 1000' & wait; wait",
    "stopped": "sh -c 'echo $$; kill -STOP $$' & wait",
}


@pytest.mark.parametrize("how", HIDING)
@pytest.mark.parametrize("at_once", [False, True])
def test_kill_leaves_no_descendant(runner: ProcessRunner, folder: AttemptFolder, how: str, at_once: bool) -> None:
    running = Running(runner, folder, HIDING[how])
    (said, *_) = running.lines.wait_for(1)
    assert lives(int(said))
    running.kill.ask(Why.KILLED, at_once=at_once)
    running.join()

    assert not lives(int(said))


def test_what_a_script_leaves_running_is_killed_at_its_end(runner: ProcessRunner, folder: AttemptFolder) -> None:
    lines = Lines()
    finished = sh(runner, folder, "setsid sleep 1000 & echo $!; exit 0", lines)

    assert finished.code == 0
    assert finished.left_behind == 1
    assert not lives(int(lines.all[0][0]))


def test_a_fork_bomb_is_ended_by_kill(runner: ProcessRunner, folder: AttemptFolder) -> None:
    bomb = "b() { [ $(ls | wc -l) -lt 60 ] && { : > $(mktemp x.XXXXXX); b & b & }; sleep 1000; }; b & echo armed; wait"
    running = Running(runner, folder, bomb)
    running.lines.wait_for(1)
    running.kill.ask(Why.KILLED, at_once=True)
    running.join()

    left = subprocess.run(["pgrep", "-f", str(folder.root)], capture_output=True, text=True).stdout
    assert left == ""
    assert not list(open_in(folder.work))


def open_in(folder: Path) -> Iterator[str]:
    """Yield pids of processes whose working directory is this."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.readlink(f"/proc/{name}/cwd") == str(folder):
                    yield name
            except OSError:
                continue


def test_a_kill_before_the_start_ends_the_script_at_once(runner: ProcessRunner, folder: AttemptFolder) -> None:
    kill = Kill()
    kill.ask(Why.TIMEOUT)

    assert sh(runner, folder, "sleep 1000", kill=kill).code == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("limit", "value", "script"),
    [
        ("RLIMIT_FSIZE", 4096, "head -c 100000 /dev/zero > file"),
        ("RLIMIT_NOFILE", 16, "exec 18</dev/null"),
        ("RLIMIT_CPU", 1, "while :; do :; done"),
        ("RLIMIT_AS", 200 << 20, f"{sys.executable} -S -c 'bytearray(400 << 20)'"),
    ],
)
def test_limits_hold(base: Path, limit: str, value: int, script: str) -> None:
    limited = ProcessRunner(ProcessSettings(folder=base, limits={limit: value}))
    made = AttemptFolder(limited.settings)
    try:
        assert sh(limited, made, script).code != 0
        assert sh(limited, made, "echo fine").code == 0
    finally:
        made.remove()
        limited.close()


def test_a_flood_of_output_does_not_hold_the_script_up(runner: ProcessRunner, folder: AttemptFolder) -> None:
    class Deaf(Lines):
        def line(self, text: str, from_stderr: bool) -> bool:
            super().line(text[:100], from_stderr)
            return len(self.all) < 100

    lines = Deaf()
    script = 'yes 0123456789012345678901234567890123456789 | head -c 50000000; echo; echo \'::{"outputs":{"a":1}}::\''
    finished = sh(runner, folder, script, lines)

    assert finished.code == 0
    assert lines.all[-1][0] == '::{"outputs":{"a":1}}::'
    assert len(lines.all) < 60_000


def test_rubbish_and_endless_lines_become_bounded_text(runner: ProcessRunner, folder: AttemptFolder) -> None:
    lines = Lines()
    sh(runner, folder, r"printf '\000\377\376ok\n'; head -c 3000000 /dev/zero | tr '\0' x", lines)

    assert lines.all[0][0] == "\ufffd\ufffd\ufffdok"
    assert len(lines.all) == 2
    assert len(lines.all[1][0]) < 70_000
    assert "bytes more" in lines.all[1][0]


def test_a_pipe_that_was_handed_out_does_not_hold_the_attempt(runner: ProcessRunner, folder: AttemptFolder) -> None:
    """A descendant can't outlive its script, so the streams end with it even if a child had them open."""
    finished = sh(runner, folder, "sleep 1000 & disown 2>/dev/null; exit 0")

    assert finished.code == 0


def test_scripts_run_at_the_same_time(runner: ProcessRunner) -> None:
    folders = [AttemptFolder(runner.settings) for _ in range(8)]
    running = [Running(runner, each, "echo here; while [ ! -e go ]; do sleep 0.01; done") for each in folders]
    for each in running:
        each.lines.wait_for(1)
    for made in folders:
        (made.work / "go").touch()

    assert [each.join().code for each in running] == [0] * 8
    for made in folders:
        made.remove()


def test_a_folder_stays_occupied_unless_its_script_is_known_to_be_gone(
    runner: ProcessRunner, folder: AttemptFolder
) -> None:
    with pytest.raises(LaunchError):
        sh(runner, folder, "kill -9 $PPID; sleep 100")
    assert folder.occupied

    sh(runner, folder, "exit 3")
    assert not folder.occupied


def test_a_killed_warden_ends_its_script_and_the_next_one_runs(runner: ProcessRunner, folder: AttemptFolder) -> None:
    with pytest.raises(LaunchError, match="was killed"):
        sh(runner, folder, "echo $$; kill -9 $PPID; sleep 1000")
    assert sh(runner, folder, "true").code == 0


def test_a_warden_takes_the_next_script_when_nothing_of_the_last_is_left(
    runner: ProcessRunner, folder: AttemptFolder
) -> None:
    seen = Lines()
    for _ in range(12):
        sh(runner, folder, "echo $PPID; sleep 1000 & exit 0", seen)

    assert len({text for text, _ in seen.all}) < 12


@pytest.mark.skipif(shutil.which("prlimit") is None or shutil.which("renice") is None, reason="needs util-linux")
@pytest.mark.parametrize("tamper", ["prlimit --pid $PPID --nofile=77:77", "renice -n 7 -p $PPID"])
def test_what_a_script_does_to_its_warden_does_not_reach_the_next_script(
    runner: ProcessRunner, folder: AttemptFolder, tamper: str
) -> None:
    seen = Lines()
    for _ in range(6):
        sh(runner, folder, f"ulimit -n; nice; {tamper} >/dev/null", seen)

    assert len({text for text, _ in seen.all[0::2]}) == 1
    assert {text for text, _ in seen.all[1::2]} == {"0"}


def test_the_death_of_the_whole_warden_program_is_got_over(base: Path) -> None:
    mortal = ProcessRunner(ProcessSettings(folder=base))
    made = AttemptFolder(mortal.settings)
    try:
        assert sh(mortal, made, "true").code == 0
        program = mortal._launcher._program
        assert program is not None
        program.kill()
        program.wait()
        assert sh(mortal, made, "true").code == 0
    finally:
        made.remove()
        mortal.close()


def test_a_warden_whose_program_is_killed_sees_its_script_to_the_end_and_goes_without_a_word(
    base: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mortal = ProcessRunner(ProcessSettings(folder=base))
    made = AttemptFolder(mortal.settings)
    try:
        running = Running(mortal, made, "echo $PPID; until [ -e enough ]; do sleep 0.02; done; exit 3")
        warden = os.pidfd_open(int(running.lines.wait_for(1)[0]))
        program = mortal._launcher._program
        assert program is not None
        program.kill()
        program.wait()
        (made.work / "enough").touch()
        assert running.join().code == 3
        await_end(warden)
    finally:
        made.remove()
        mortal.close()
    assert capfd.readouterr().err == ""


WORKER = """
import sys, threading
from pathlib import Path
from worker.kill import Kill
from worker.runners.process import *
class Sink:
    def line(self, text, from_stderr):
        print(text, flush=True)
        return True
    def pause(self): pass
runner = ProcessRunner(ProcessSettings(folder=Path(sys.argv[1])))
folder = AttemptFolder(runner.settings)
script = ["/bin/sh", "-c", "setsid sleep 1000 & echo $!; echo $PPID; wait"]
runner.run(script, {"PATH": "/bin:/usr/bin"}, folder, Sink(), Kill())
"""


def test_when_the_worker_is_killed_its_scripts_end_and_nobody_complains(base: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(base)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert program.stdout is not None and program.stderr is not None
    script, warden = int(program.stdout.readline()), int(program.stdout.readline())
    ends = [os.pidfd_open(pid) for pid in (script, warden)]
    program.kill()
    program.wait()
    program.stdout.close()
    for each in ends:
        await_end(each)
    with program.stderr as said:
        assert said.read() == ""


def await_end(pidfd: int) -> None:
    ready, _, _ = select.select([pidfd], [], [], WAIT_S)
    os.close(pidfd)
    assert ready, "the process outlived its worker"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_scripts_of_a_worker_of_root_can_run_as_somebody_else() -> None:
    other = ProcessRunner(ProcessSettings(user=(65534, 65534)))
    made = AttemptFolder(other.settings)
    try:
        lines = Lines()
        finished = sh(other, made, "id -u; id -G; touch mine; kill -9 $PPID || echo refused; exit 4", lines)
    finally:
        made.remove()
        other.close()
    texts = [text for text, _ in lines.all]
    assert texts[:2] == ["65534", "65534"]
    assert "refused" in texts
    assert finished.code == 4


GROUP = os.environ.get("PENSTOCK_TEST_CGROUP")


@pytest.mark.skipif(GROUP is None, reason="PENSTOCK_TEST_CGROUP must name a control group with the pids controller")
def test_a_control_group_bounds_all_processes_and_vanishes(base: Path) -> None:
    parent = Path(str(GROUP))
    bounded = ProcessRunner(ProcessSettings(folder=base, cgroups=CgroupSettings(parents=[parent], processes=20)))
    made = AttemptFolder(bounded.settings)
    try:
        lines = Lines()
        finished = sh(bounded, made, "b() { b | b & b; }; b 2>/dev/null & wait; sleep 1000", lines, kill_soon())
        assert finished.code != 0
        assert sh(bounded, made, "echo fine").code == 0
    finally:
        made.remove()
        bounded.close()
    assert not list(parent.glob("attempt-*"))


def kill_soon() -> Kill:
    kill = Kill()
    threading.Timer(0.3, kill.ask, [Why.TIMEOUT], {"at_once": True}).start()
    return kill
