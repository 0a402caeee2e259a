"""The wheel holds what an installation needs, and nothing at the top that others may call theirs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.house import source


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Names of the files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    ran = subprocess.run(command, cwd=source.ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, (
        f"{ran.stdout}{ran.stderr}\nThe wheel can't be built; see [tool.hatch] in pyproject.toml."
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_file_of_the_packages(wheel: set[str]) -> None:
    wanted = {
        path.as_posix() for path in source.files() if path.parts[0] in source.PACKAGES and path.name != "ruff.toml"
    }

    assert wanted - wheel == set(), "A file of a package is missing in the wheel: is it ignored by git?"


def test_the_wheel_holds_no_other_package(wheel: set[str]) -> None:
    tops = {Path(name).parts[0] for name in wheel if ".dist-info/" not in name}

    assert tops == set(source.PACKAGES), "List the package in pyproject.toml and in deploy/clash.py, or keep it out."


def test_every_package_says_that_it_is_typed() -> None:
    untyped = [name for name in source.PACKAGES if not (source.ROOT / name / "py.typed").exists()]

    assert untyped == []
