"""Every input that once broke something, or reaches what others don't, still passes; and so do some hundred fresh ones.

Each target is tried in a process of its own, since what it may take is bounded for the process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import corpus

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("flows", "expressions", "edits")
FRESH = 300


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_and_what_is_made_of_it_pass(target: str) -> None:
    command = [sys.executable, "-m", "tests.fuzz", target, "--check", str(FRESH)]

    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert ran.returncode == 0, (
        f"{ran.stdout[-20_000:]}{ran.stderr}\nMend what lets the exception out, or takes long; "
        f"the input by itself: python -m tests.fuzz {target} --try FILE"
    )


def test_the_corpus_stays_small() -> None:
    kept = list(corpus.FOLDER.rglob("*.txt"))

    assert len(kept) <= 300
    assert sum(path.stat().st_size for path in kept) <= 400_000
    assert {path.parent.name for path in kept} == set(TARGETS)
