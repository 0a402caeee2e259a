"""The key-value stores: what is kept, for how long, and who wins when several change the same key."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.key_values import DOCUMENT_BYTES_MAX, KEY_LENGTH_MAX, Content, Entry, Kind
from worker.storage import key_values
from worker.storage.key_values import KeyValues
from worker.storage.local import LocalStorage
from worker.storage.port import StorageError

HOUR_MS = 3_600_000


class Stores(KeyValues):
    """Stores with a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self.storage = LocalStorage(folder)
        self.now = 1_700_000_000_000
        super().__init__(self.storage, lambda: self.now)

    def put(self, key: str, value: object, namespace: str = "company.team", ttl_ms: int | None = None) -> Entry:
        content = Content(kind=Kind.JSON, value=value, expires_ms=self.expiry(ttl_ms))
        return self.set(namespace, key, content)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(tmp_path / "storage")


def test_an_entry_comes_back_as_it_was_set_and_says_when(stores: Stores) -> None:
    stores.set("company.team", "k", Content(kind=Kind.NUMBER, value=1, description="first"))
    stores.now += HOUR_MS
    stores.set("company.team", "k", Content(kind=Kind.JSON, value={"a": [1, None, "ü"]}))

    found = stores.get("company.team", "k")

    assert found == Entry(
        namespace="company.team",
        key="k",
        kind=Kind.JSON,
        value={"a": [1, None, "ü"]},
        version=2,
        created_ms=stores.now - HOUR_MS,
        updated_ms=stores.now,
    )
    assert Stores(stores.storage._folder).find("company.team", "k") == found


def test_what_has_expired_is_missing_for_everyone_and_begins_anew_when_it_is_set(stores: Stores) -> None:
    stores.put("short", 1, ttl_ms=HOUR_MS)
    stores.put("long", 2, ttl_ms=HOUR_MS + 1)
    stores.now += HOUR_MS

    assert stores.get("company.team", "short") is None
    assert stores.find("company.team", "short") is not None
    assert [each.key for each in stores.entries("company.team")] == ["long"]
    assert not stores.delete("company.team", "short")
    assert stores.find("company.team", "short") is None
    stores.put("short", 3)
    renewed = stores.set("company.team", "short", Content(kind=Kind.NUMBER, value=4), overwrite=True)
    assert (renewed.version, renewed.created_ms) == (2, stores.now)


def test_a_value_that_may_not_be_replaced_stays_unless_it_has_expired(stores: Stores) -> None:
    content = Content(kind=Kind.STRING, value="new")
    stores.put("k", "old", ttl_ms=HOUR_MS)

    with pytest.raises(ValueError, match="already exists"):
        stores.set("company.team", "k", content, overwrite=False)
    stores.now += HOUR_MS

    assert stores.set("company.team", "k", content, overwrite=False).value == "new"


def test_a_key_is_looked_for_in_the_namespaces_around_the_nearest_first(stores: Stores) -> None:
    stores.put("k", "outer", "company")
    stores.put("k", "other", "company.teams")
    assert stores.get_inherited("company.team.data", "k") == stores.get("company", "k")

    stores.put("k", "inner", "company.team", ttl_ms=HOUR_MS)
    assert stores.get_inherited("company.team.data", "k") == stores.get("company.team", "k")
    assert stores.get("company.team.data", "k") is None

    stores.now += HOUR_MS
    assert stores.get_inherited("company.team.data", "k") == stores.get("company", "k")


@pytest.mark.parametrize("key", ["", ".hidden", "../x", "a/b", "a\\b", "-x", "a b", "ä", "a\0", "a\n", "%2e%2e", "_x"])
def test_a_key_that_could_lead_elsewhere_is_refused(stores: Stores, key: str) -> None:
    for refused in (lambda: stores.put(key, 1), lambda: stores.find("company", key), lambda: stores.delete("a", key)):
        with pytest.raises(ValueError, match="Key must start with"):
            refused()


@pytest.mark.parametrize("namespace", ["", "..", "../x", "a/b", ".a", "A", "a" * 151, "a\0", "_kv"])
def test_a_namespace_that_could_lead_elsewhere_is_refused(stores: Stores, namespace: str) -> None:
    for refused in (lambda: stores.put("k", 1, namespace), lambda: stores.keys(namespace)):
        with pytest.raises(ValueError, match="Expected a namespace"):
            refused()


def test_keys_and_values_have_a_largest_size(stores: Stores) -> None:
    stores.put("k" * KEY_LENGTH_MAX, 1, "a" * 150)
    with pytest.raises(ValueError, match=f"at most {KEY_LENGTH_MAX} characters"):
        stores.put("k" * (KEY_LENGTH_MAX + 1), 1)
    with pytest.raises(ValueError, match="keep it in a file"):
        stores.put("large", "x" * DOCUMENT_BYTES_MAX)
    with pytest.raises(ValueError, match="can't be kept as JSON"):
        stores.put("broken", "\ud800")
    with pytest.raises(ValueError, match="finite"):
        stores.put("nan", float("nan"))
    with pytest.raises(ValueError, match="more than 0"):
        stores.put("k", 1, ttl_ms=0)


def test_lists_are_in_order_and_bounded(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("b", "a.2", "a.1", "A"):
        stores.put(key, 1)

    assert [each.key for each in stores.entries("company.team")] == ["A", "a.1", "a.2", "b"]
    assert [each.key for each in stores.entries("company.team", "a.")] == ["a.1", "a.2"]
    assert stores.entries("nobody") == []
    monkeypatch.setattr(key_values, "LISTED_MAX", 3)
    with pytest.raises(ValueError, match=r"at most 3 keys in a list, but namespace company\.team has 4"):
        stores.entries("company.team")


def test_a_namespace_is_none_of_the_files_that_lie_around_it(stores: Stores) -> None:
    stores.put("k", 1, "company")
    stores.put("k", 1, "company.team")
    assert stores.namespaces() == ["company", "company.team"]
    assert stores.keys("company") == ["k"]


def test_a_damaged_document_is_said_and_harms_no_other(stores: Stores) -> None:
    stores.put("k", 1)
    stores.put("l", 1)
    (stores.storage._folder / "_kv" / "company.team" / "k.json").write_bytes(b'{"namespace"')
    with pytest.raises(StorageError, match="key 'k' can't be read: restore or remove"):
        stores.get("company.team", "k")
    assert stores.get("company.team", "l") is not None


def test_a_swap_needs_what_the_caller_has_seen(stores: Stores) -> None:
    storage = stores.storage
    assert not storage.swap("a/f", b"x", b"y")
    assert storage.swap("a/f", None, b"1")
    assert not storage.swap("a/f", None, b"2")
    assert storage.swap("a/f", b"1", b"2")
    assert storage.files_in("a") == ["f"]
    assert storage.folders_in("a") == []
    assert storage.swap("a/f", b"2", None)
    assert storage.swap("a/f", None, None)
    assert storage.files_in("a") == storage.files_in("nothing") == []
    with pytest.raises(StorageError):
        storage.swap("../f", None, b"1")


def test_what_a_process_left_behind_when_it_died_is_in_nobodys_way(stores: Stores) -> None:
    locks = stores.storage._folder / ".swaps"
    locks.mkdir()
    for number in range(64):
        (locks / f"{number}.lock").write_bytes(b"")
        (locks / f"{number}.new").write_bytes(b"half")

    assert stores.put("k", 1).value == 1
    assert stores.get("company.team", "k") is not None


def add_one(stores: KeyValues, times: int) -> None:
    for _ in range(times):
        stores.change(
            "company",
            "count",
            lambda before: Content(kind=Kind.NUMBER, value=1 if before is None else before.value + 1),
        )


def test_no_change_is_lost_among_threads_and_processes(stores: Stores) -> None:
    folder = stores.storage._folder
    program = textwrap.dedent(f"""
        from pathlib import Path
        from tests.worker.test_key_values import Stores, add_one
        add_one(Stores(Path({str(folder)!r})), 25)
    """)
    others = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(add_one, stores, 25) for _ in range(4)]:
            done.result()
    assert [other.wait() for other in others] == [0, 0]

    counted = stores.get("company", "count")
    assert counted is not None
    assert (counted.value, counted.version) == (150, 150)
    assert stores.keys("company") == ["count"]


def test_a_change_gives_up_when_others_are_quicker_every_time(stores: Stores) -> None:
    def overtaken(before: Entry | None) -> Content:
        stores.put("k", 0 if before is None else before.version)
        return Content(kind=Kind.NUMBER, value=-1)

    with pytest.raises(StorageError, match="changed by others all the time"):
        stores.change("company.team", "k", overtaken)


def test_purging_spares_what_was_set_anew_meanwhile(stores: Stores) -> None:
    stores.put("gone", 1, ttl_ms=1)
    stores.put("stays", 1)
    stores.now += 1

    assert stores.purge("company.team", "gone", expired_only=True)
    assert not stores.purge("company.team", "gone", expired_only=True)
    assert not stores.purge("company.team", "stays", expired_only=True)
    assert stores.purge("company.team", "stays", expired_only=False)
    assert stores.keys("company.team") == []
