"""Fixtures of the worker's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.attempts import Attempts, Make


@pytest.fixture
def make_attempts(tmp_path: Path) -> Iterator[Make]:
    """Makes attempts with limits and an environment of the test's choice."""
    made: list[Attempts] = []

    def make(**given: object) -> Attempts:
        made.append(Attempts(tmp_path, **given))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def attempts(make_attempts: Make) -> Attempts:
    return make_attempts()
