"""A campaign: children that try inputs one after another, and what their parent makes of what they find.

Owns starting children anew, proving each finding in a process of its own, and writing it to the corpus as small as it
gets; what stays large is left in the campaign's own folder, and wants a test that makes it.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz import corpus
from tests.fuzz.guard import Failure, attempt, attempt_apart, watch
from tests.fuzz.minimise import minimised
from tests.fuzz.targets import TARGETS
from tests.fuzz.worker import mutator_for

SILENCE_MAX = 30
"""Seconds without a word from a child, after which it hangs."""
DEAR_ATTEMPTS = 40
"""How often an input that takes long or much may be tried while it is made smaller."""


class Campaign:
    """One target, fuzzed for some time.

    Args:
        name: The target's name.
        seed: Start of all chance.
        folder: Where what reaches something new is collected.
    """

    def __init__(self, name: str, seed: int, folder: Path) -> None:
        self.name = name
        self._seed = seed
        self._folder = folder
        self._proved: dict[str, Path] = {}
        self._doubtful: set[str] = set()
        self._tried = 0
        self._last: dict[str, Any] = {}

    def run(self, seconds: float) -> bool:
        """Fuzz for some seconds; return whether nothing was found."""
        until = time.monotonic() + seconds
        child = 0
        while (left := until - time.monotonic()) > 1:
            command = [sys.executable, "-m", "tests.fuzz", self.name, "--seed", str(self._seed + child)]
            command += ["--seconds", str(left), "--folder", str(self._folder), "--worker"]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                for answer in _answers(process):
                    self._hear(answer)
            self._tried += self._last.pop("tried", 0)
            if process.returncode:
                text = corpus.read(self._folder / "current")
                self._prove(Failure("dies", f"exit {process.returncode}", ""), text)
            child += 1
        print(f"{self.name}: tried {self._tried} inputs in {seconds:.0f} s; {_shown(self._last)}", flush=True)
        for place, path in self._proved.items():
            print(f"  {place}: {path.name}")
        return not self._proved

    def _hear(self, answer: dict[str, Any]) -> None:
        if "found" in answer:
            self._prove(Failure(*answer["found"]), answer["input"])
        else:
            self._last = answer
            print(f"{self.name}: {self._tried + answer['tried']} tried; {_shown(answer)}", flush=True)

    def _prove(self, said: Failure, text: str) -> None:
        """Try a failing input by itself; keep the smallest that fails in the same way."""
        if str(said) in self._proved or str(said) in self._doubtful:
            return
        target = TARGETS[self.name]
        failure = attempt_apart(target, text)
        if failure is None:
            self._doubtful.add(str(said))
            print(f"{self.name}: {said} can't be repeated by itself ({len(text)} characters)", flush=True)
            return
        wanted = str(failure)
        if wanted not in self._proved:
            dear = failure.kind in ("takes too long", "takes too much memory", "dies")
            small = minimised(
                text, lambda part: str(attempt_apart(target, part)) == wanted, DEAR_ATTEMPTS if dear else 400
            )
            folder = corpus.FOLDER / self.name if len(small) <= corpus.FOUND_MAX else self._folder
            self._proved[wanted] = corpus.keep(folder, "found", small)
            print(f"{self.name}: found: {wanted}\n{failure.detail}\n{small[:2000]!r}", flush=True)
        self._proved[str(said)] = self._proved[wanted]


def _answers(process: subprocess.Popen[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what a child says until it ends; end it when it says nothing for too long."""
    assert process.stdout is not None
    while True:
        ready, _, _ = select.select([process.stdout], [], [], SILENCE_MAX)
        if not ready:
            process.kill()
            return
        line = process.stdout.readline()
        if not line:
            return
        yield json.loads(line)


def _shown(answer: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in answer.items() if key != "tried")


def run_campaign(name: str, seed: int, seconds: float, folder: Path | None) -> bool:
    """Fuzz a target for some seconds; return whether nothing was found."""
    with TemporaryDirectory(prefix="fuzz-") as temporary:
        return Campaign(name, seed, folder or Path(temporary)).run(seconds)


def check(name: str, seed: int, count: int) -> bool:
    """Try the whole corpus and some inputs made of it, always the same ones; return whether nothing failed."""
    watch()
    known = corpus.inputs(corpus.FOLDER / name)
    chance = Random(seed)
    mutator = mutator_for(name, chance)
    texts = list(known.values())
    fresh = ((f"input {index}", mutator.mutate(chance.choice(texts), chance.choice(texts))) for index in range(count))
    failed = 0
    for source in (known.items(), fresh):
        for where, text in source:
            failure = attempt(TARGETS[name], text)
            if failure is not None:
                failed += 1
                print(f"{where}: {failure}\n{failure.detail}\n{text[:3000]!r}")
    print(f"{name}: {len(known)} inputs of the corpus and {count} others, {failed} failed")
    return not failed


def try_one(name: str, path: Path) -> bool:
    """Try the input in a file by itself; return whether it passed."""
    failure = attempt_apart(TARGETS[name], corpus.read(path))
    print("passes" if failure is None else f"{failure}\n{failure.detail}")
    return failure is None
