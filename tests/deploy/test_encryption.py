"""Where the key for SECRET inputs comes from."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from deploy.encryption import encryption_key, seal_of
from deploy.problems import UserError
from deploy.settings import KafkaSection, Settings
from engine.seals import text_of_sealed

KEY = base64.b64encode(bytes(16)).decode()


def test_one_process_makes_a_key_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    key = encryption_key(settings)

    assert key is not None and len(base64.b64decode(key)) == 32
    assert encryption_key(settings) == key
    assert stat.S_IMODE((tmp_path / "data" / "encryption.key").stat().st_mode) == 0o600


def test_a_key_that_is_set_counts(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, encryption_key=SecretStr(KEY))
    seal = seal_of(settings)

    assert encryption_key(settings) == KEY
    assert list(tmp_path.iterdir()) == []
    assert seal is not None and text_of_sealed(KEY, seal("hush")["value"]) == "hush"
    assert seal("hush") != seal("hush")


def test_a_cluster_has_none_unless_it_is_told_one(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, kafka=KafkaSection(bootstrap="broker:9092"))

    assert encryption_key(settings) is None
    assert seal_of(settings) is None


@pytest.mark.parametrize("key", ["", "hush", "AAAA", KEY[:-1]])
def test_what_is_no_key_is_refused_without_being_shown(tmp_path: Path, key: str) -> None:
    with pytest.raises(UserError, match=r"encryption_key: expected Base64 of 16, 24 or 32 bytes") as refused:
        encryption_key(Settings(data=tmp_path, encryption_key=SecretStr(key)))
    assert not key or f"'{key}'" not in str(refused.value)

    (tmp_path / "encryption.key").write_text(key)
    with pytest.raises(UserError, match=r"encryption\.key: expected"):
        encryption_key(Settings(data=tmp_path))
