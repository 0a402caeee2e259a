"""Settings: where they come from, and what an operator reads when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.settings import leaves
from deploy.sources import SettingsError, load_settings, unknown_variables


def test_there_are_at_most_forty_settings_each_with_unit_and_reason() -> None:
    everything = list(leaves())

    assert len(everything) <= 40
    assert [each.name for each in everything if not each.unit or not each.why] == []


def test_the_command_line_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "penstock.toml"
    file.write_text('[kafka]\nbootstrap = "file:1"\ntopic_prefix = "file."\npartitions = 3\n')
    environ = {"PENSTOCK_KAFKA__BOOTSTRAP": "environment:1", "PENSTOCK_KAFKA__TOPIC_PREFIX": "environment."}

    settings = load_settings(file, environ, {"kafka.bootstrap": "flag:1"})

    assert settings.kafka.bootstrap == "flag:1"
    assert settings.kafka.topic_prefix == "environment."
    assert settings.kafka.partitions == 3
    assert settings.kafka.security_protocol == "PLAINTEXT"


def test_a_yaml_file_says_the_same_as_a_toml_file(tmp_path: Path) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text("data: somewhere\nkafka:\n  partitions: 3\n")

    settings = load_settings(file, {})

    assert settings.kafka.partitions == 3
    assert settings.data == Path("somewhere")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"PENSTOCK_KAFKA__PARTITION": "3"}, "did you mean PENSTOCK_KAFKA__PARTITIONS?"),
        ({"PENSTOCK_KAFKA__PARTITIONS": "0"}, "PENSTOCK_KAFKA__PARTITIONS: expected kafka.partitions to be greater"),
        ({"PENSTOCK_KAFKA__PARTITIONS": "many"}, "but got 'many'"),
        ({"PENSTOCK_LOG__LEVEL": "LOUD"}, "'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_variable_is_answered_in_one_line_with_its_name(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(environ=environ)

    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_unknown_name_in_a_file_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text("kafka:\n  pasword: x\n")

    with pytest.raises(
        SettingsError, match=r"penstock\.yaml: there is no setting kafka\.pasword; did you mean kafka\.pass"
    ):
        load_settings(file, {})


def test_a_file_that_is_no_yaml_is_named_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "penstock.yaml"
    file.write_text("kafka: [")

    with pytest.raises(SettingsError) as raised:
        load_settings(file, {})

    assert str(raised.value).startswith(str(file))
    assert "\n" not in str(raised.value)


def test_a_secret_comes_from_a_mounted_file_and_is_never_printed(tmp_path: Path) -> None:
    mounted = tmp_path / "password"
    mounted.write_text("s3cret-word\n")

    settings = load_settings(environ={"PENSTOCK_KAFKA__PASSWORD_FILE": str(mounted)})

    assert settings.kafka.password is not None
    assert settings.kafka.password.get_secret_value() == "s3cret-word"
    assert "s3cret-word" not in repr(settings)


def test_a_misspelt_variable_is_told_apart_from_those_of_other_programs() -> None:
    environ = {"PENSTOCK_DATAA": "x", "PENSTOCK_API_SERVICE_HOST": "10.0.0.1", "HOME": "/"}
    environ["PENSTOCK_API_PORT"] = "tcp://10.0.0.1:8080"

    assert unknown_variables(environ) == ["PENSTOCK_DATAA is no setting; did you mean PENSTOCK_DATA?"]
