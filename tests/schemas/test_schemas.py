"""Loading and fingerprints."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import fastavro
import pytest

import schemas

HOME = Path(str(schemas.home()))


@pytest.mark.parametrize(
    ("schema", "number"),
    [
        ("null", 0x63DD24E7CC258F8A),
        ("boolean", 0x9F42FC78A4D4F764),
        ("int", 0x7275D51A3F395C8F),
        ("long", 0xD054E14493F41DB7),
        ("string", 0x8F014872634503C7),
        ("bytes", 0x4FC016DAC3201965),
        ({"type": "record", "name": "foo", "fields": [{"name": "f1", "type": "boolean"}]}, 0x6CD8EAF1C968A33B),
    ],
    ids=str,
)
def test_fingerprints_are_those_of_avros_own_test_data(schema: object, number: int) -> None:
    assert schemas.fingerprint(schema) == number.to_bytes(8, "little")


def test_defaults_and_documentation_are_no_part_of_a_fingerprint() -> None:
    bare = {"type": "record", "name": "T", "namespace": "penstock", "fields": [{"name": "a", "type": "long"}]}
    told = {**bare, "doc": "Told.", "fields": [{"name": "a", "type": "long", "default": 1, "doc": "Told."}]}
    assert schemas.fingerprint(told) == schemas.fingerprint(bare)


def test_every_file_is_an_avro_record_of_its_name() -> None:
    current = schemas.current()
    assert len(current) > 40
    for name, schema in current.items():
        assert (schema.definition["name"], schema.definition["namespace"]) == (name, schemas.NAMESPACE)
        fastavro.parse_schema(schema.definition)


def test_no_two_messages_share_a_fingerprint() -> None:
    current = schemas.current()
    assert len({schema.fingerprint for schema in current.values()}) == len(current)


def test_released_versions_come_in_order_of_their_numbers(tmp_path: Path) -> None:
    assert schemas.released(tmp_path) == {}
    folder = tmp_path / schemas.RELEASED / "Thing"
    folder.mkdir(parents=True)
    for number in (10, 2, 1):
        (folder / f"v{number}.avsc").write_text(json.dumps({"type": "record", "name": "Thing", "fields": []}))
    assert [each.version for each in schemas.released(tmp_path)["Thing"]] == [1, 2, 10]
    (folder / "latest.avsc").write_text('"long"')
    with pytest.raises(ValueError, match=r"latest\.avsc"):
        schemas.released(tmp_path)


def test_released_versions_are_numbered_without_gaps() -> None:
    for versions in schemas.released().values():
        assert [each.version for each in versions] == list(range(1, len(versions) + 1))


def test_schemas_know_no_class() -> None:
    for path in HOME.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & {
                "engine",
                "topics",
                "executor",
                "worker",
                "api",
                "deploy",
            }
