"""The guard against other packages under our names.

Penstock's packages have plain names (`api`, `engine` …), so another distribution, or a folder on the path, could bring
one of the same name, unnoticed by pip. It only finds out whether that is so; `deploy/cli.py` refuses to start then.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path

DISTRIBUTION = "penstock"
PACKAGES = ("engine", "schemas", "topics", "executor", "worker", "api", "deploy")


def foreign_packages(distributions: Mapping[str, Sequence[str]] | None = None) -> list[str]:
    """Return a sentence for each of our package names that another installed distribution provides too.

    Args:
        distributions: Names of distributions by top-level package; those of this environment if None.
    """
    provided = importlib.metadata.packages_distributions() if distributions is None else distributions
    return [
        f"the package `{package}` is also brought by {', '.join(others)}: install Penstock in an environment of its "
        f"own, or run `pip uninstall {' '.join(others)}` and reinstall Penstock"
        for package in PACKAGES
        if (others := sorted(set(provided.get(package, ())) - {DISTRIBUTION}))
    ]


def shadowed_packages(root: Path | None = None) -> list[str]:
    """Return a sentence for each of our packages that Python would import from elsewhere.

    Args:
        root: Folder that holds our packages; the one that this file belongs to if None.
    """
    home = root or Path(__file__).resolve().parent.parent
    found = []
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        origin = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if origin != home:
            found.append(
                f"`import {package}` finds {origin or 'nothing'} instead of {home}: unset PYTHONPATH, or start "
                "Penstock by its console script from another folder"
            )
    return found
