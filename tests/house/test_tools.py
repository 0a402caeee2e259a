"""What ruff and mypy say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.house import source


@pytest.mark.parametrize("arguments", [("ruff", "check", "--no-cache", "."), ("mypy",)], ids=["ruff", "mypy"])
@pytest.mark.timeout(300)
def test_the_checker_is_content(arguments: tuple[str, ...]) -> None:
    ran = subprocess.run([sys.executable, "-m", *arguments], cwd=source.ROOT, capture_output=True, text=True)

    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}\nRun `make lint`; `ruff check --fix` mends what it can."
