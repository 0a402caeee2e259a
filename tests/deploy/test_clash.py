"""The guard against foreign packages under our names."""

from __future__ import annotations

from pathlib import Path

from deploy.clash import PACKAGES, foreign_packages, shadowed_packages


def test_this_environment_has_no_foreign_package_under_our_names() -> None:
    assert foreign_packages() == []
    assert shadowed_packages() == []


def test_a_foreign_distribution_is_named_with_the_remedy() -> None:
    found = foreign_packages({"api": ["other-dist", "penstock"], "numpy": ["numpy"]})

    assert len(found) == 1
    assert "`api`" in found[0]
    assert "pip uninstall other-dist" in found[0]


def test_a_package_that_would_come_from_elsewhere_is_noticed(tmp_path: Path) -> None:
    assert len(shadowed_packages(root=tmp_path)) == len(PACKAGES)
