"""Fuzzing of the front door.

    python -m tests.fuzz flows --seconds 600     # a campaign; what fails is added to the corpus
    python -m tests.fuzz flows --check 300       # the corpus and 300 inputs made of it
    python -m tests.fuzz flows --try FILE        # one input

Targets are flows, expressions and edits. Ends with 1 if something failed.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path


def main() -> int:
    """Do what the command line says; the engine is loaded only when it is known whether to count its blocks."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("target", choices=("flows", "expressions", "edits"))
    parser.add_argument("--seconds", type=float, default=60, help="how long a campaign takes")
    parser.add_argument("--seed", type=int, default=0, help="start of all chance")
    parser.add_argument("--check", type=int, metavar="N", help="try the corpus and N inputs made of it")
    parser.add_argument("--try", type=Path, metavar="FILE", dest="one", help="try one input")
    parser.add_argument("--folder", type=Path, help="where a campaign collects what it makes; thrown away if not given")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        import_module("tests.fuzz.worker").work(given.target, given.folder, given.seed, given.seconds)
        return 0
    campaign = import_module("tests.fuzz.campaign")
    if given.one is not None:
        passed = campaign.try_one(given.target, given.one)
    elif given.check is not None:
        passed = campaign.check(given.target, given.seed, given.check)
    else:
        passed = campaign.run_campaign(given.target, given.seed, given.seconds, given.folder)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
