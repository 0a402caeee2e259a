"""requirements.lock holds what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house import source

LOCK = (source.ROOT / "requirements.lock").read_text("utf-8")


def wanted() -> list[Requirement]:
    project = tomllib.loads((source.ROOT / "pyproject.toml").read_text("utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"].get("optional-dependencies", {}).values(),
        *project.get("dependency-groups", {}).values(),
    ]
    return [Requirement(line) for group in groups for line in group]


def test_every_dependency_is_locked_at_a_version_that_is_asked_for() -> None:
    locked = {
        canonicalize_name(match["name"]): match["version"]
        for match in re.finditer(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)", LOCK, re.MULTILINE)
    }

    problems = [
        f"{requirement} is locked at {locked.get(canonicalize_name(requirement.name), 'no version')}"
        for requirement in wanted()
        if not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"), prereleases=True)
    ]

    assert not problems, source.report(problems, "Run `make lock`.")


def test_every_locked_package_has_a_hash_and_no_address() -> None:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", LOCK.strip())

    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in LOCK, "The lock names an index: packages come from where pip is told to look."
