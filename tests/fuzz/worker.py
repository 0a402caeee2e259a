"""A campaign's child: tries mutated inputs in this process, and tells its parent on standard output what came of them.

What reaches something new joins the inputs that others are made from. The input at hand is in a file, should it be the
last one.
"""

from __future__ import annotations

import gc
import json
import os
import time
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from tests.fuzz import corpus
from tests.fuzz.blocks import Blocks, count_blocks
from tests.fuzz.guard import Target, attempt, bound_memory, memory_used, watch

FORGET_EVERY = 200
"""Inputs, after which templates compiled before are forgotten."""
MEMORY_BEFORE_RESTART = 230 << 20


class Worker:
    """Tries inputs until its time is over, or its memory is nearly used up.

    Args:
        name: The target's name.
        folder: Where the campaign keeps what it has found so far.
        seed: Start of all chance.
    """

    def __init__(self, name: str, folder: Path, seed: int) -> None:
        self._blocks: Blocks = count_blocks()
        self._target: Target = import_module("tests.fuzz.targets").TARGETS[name]
        self._compiled: Any = import_module("engine.expression").compile_template
        self._mutator: Any = mutator_for(name, Random(seed))
        self._chance = Random(seed + 1)
        self._name, self._folder = name, folder
        self._pool: list[tuple[str, frozenset[int]]] = []
        self._seen: set[int] = set()
        self._current = os.open(folder / "current", os.O_RDWR | os.O_CREAT)
        self._slowest = 0.0
        self.tried = 0
        gc.freeze()

    def run(self, seconds: float) -> None:
        """Try what is known, then what is made of it; keep a few of them in the corpus at the end."""
        until = time.monotonic() + seconds
        known = {**corpus.inputs(corpus.FOLDER / self._name), **corpus.inputs(self._folder / "queue")}
        for text in known.values():
            self._try(text, is_new=False)
        said = time.monotonic()
        while time.monotonic() < until and memory_used() < MEMORY_BEFORE_RESTART:
            self._try(self._mutator.mutate(self._choose(), self._choose()), is_new=True)
            self.tried += 1
            if time.monotonic() - said > 2:
                said = time.monotonic()
                self._tell()
        self._tell()
        if time.monotonic() >= until:
            self._keep(corpus.inputs(corpus.FOLDER / self._name))

    def _choose(self) -> str:
        newest = max(1, len(self._pool) // 4)
        if self._chance.random() < 0.4:
            return self._pool[-self._chance.randint(1, newest)][0]
        return self._chance.choice(self._pool)[0]

    def _try(self, text: str, is_new: bool) -> None:
        data = text.encode("utf-8", "surrogatepass")
        os.pwrite(self._current, data, 0)
        os.ftruncate(self._current, len(data))
        if self.tried % FORGET_EVERY == 0:
            self._compiled.cache_clear()
        self._blocks.clear()
        before = time.process_time()
        failure = attempt(self._target, text)
        spent = time.process_time() - before
        features = frozenset(self._blocks.features())
        if is_new and spent > self._slowest:
            self._slowest = spent
            corpus.keep(self._folder / "slow", f"{spent:.2f}", text)
        if failure is not None:
            self._say({"found": failure, "input": text})
        elif not features <= self._seen or not is_new:
            self._pool.append((text, features))
            self._seen |= features
            if is_new and len(text) <= corpus.LENGTH_MAX * 2:
                corpus.keep(self._folder / "queue", "new", text)

    def _tell(self) -> None:
        reached = len({each >> 3 for each in self._seen})
        shown: dict[str, object] = {"tried": self.tried, "pool": len(self._pool), "blocks": reached}
        shown |= {"of": len(self._blocks.counts), "features": len(self._seen), "slowest": round(self._slowest, 2)}
        self._say(shown | {"memory": memory_used() >> 20})

    def _say(self, what: object) -> None:
        print(json.dumps(what), flush=True)

    def _keep(self, kept: dict[str, str]) -> None:
        """Add to the corpus the shortest inputs that together reach every block the corpus doesn't."""
        room = corpus.REACHING_MAX - sum(name.startswith("reach-") for name in kept)
        texts = set(kept.values())
        reached = {each >> 3 for text, features in self._pool if text in texts for each in features}
        for text, features in sorted(self._pool, key=lambda each: len(each[0])):
            blocks = {each >> 3 for each in features}
            if room > 0 and len(text) <= corpus.LENGTH_MAX and not blocks <= reached:
                corpus.keep(corpus.FOLDER / self._name, "reach", text)
                reached |= blocks
                room -= 1


def mutator_for(name: str, chance: Random) -> Any:
    """Return what makes inputs for a target; imports the engine."""
    mutate = import_module("tests.fuzz.mutate")
    words = import_module("tests.fuzz.words").words_of(name)
    return (mutate.EditMutator if name == "edits" else mutate.Mutator)(words, chance)


def work(name: str, folder: Path, seed: int, seconds: float) -> None:
    """Be the child of a campaign."""
    watch()
    worker = Worker(name, folder, seed)
    bound_memory()
    worker.run(seconds)
