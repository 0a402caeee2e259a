"""`envs` and `globals` of templates."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.instance_variables import GLOBALS_BYTES_MAX, instance_variables
from deploy.problems import UserError
from deploy.settings import Settings


def test_templates_read_the_environment_by_prefix_and_global_variables_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "globals.yaml"
    file.write_text("team: blue\nnested: {answer: 42}\n")

    found = instance_variables(Settings(globals=file), {"ENV_DB_HOST": "db", "HOME": "/root", "SECRET_X": "eA=="})

    assert found == {"envs": {"db_host": "db"}, "globals": {"team": "blue", "nested": {"answer": 42}}}


def test_where_nothing_is_set_both_are_empty() -> None:
    assert instance_variables(Settings(), {}) == {"envs": {}, "globals": {}}


@pytest.mark.parametrize("text", [None, "- 1\n", f"a: {'x' * GLOBALS_BYTES_MAX}\n"])
def test_a_file_that_cannot_be_global_variables_is_named(text: str | None, tmp_path: Path) -> None:
    file = tmp_path / "globals.yaml"
    if text is not None:
        file.write_text(text)

    with pytest.raises(UserError, match=r"globals\.yaml"):
        instance_variables(Settings(globals=file), {})
