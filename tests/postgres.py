"""A PostgreSQL for the tests that ask for one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def postgres_tool(name: str) -> str | None:
    found = shutil.which(name) or next(map(str, sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))), None)
    return found and str(Path(found).resolve())


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL of its own that listens on a socket in its folder; its address."""
    initdb, server = postgres_tool("initdb"), postgres_tool("postgres")
    if initdb is None or server is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("PostgreSQL isn't installed")
    folder = Path(tempfile.mkdtemp(prefix="penstock-pg-"))
    user = "nobody" if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user)
    subprocess.run(
        [initdb, "-D", folder / "data", "-A", "trust", "-U", "penstock", "--no-sync"],
        user=user,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    options = ["-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off", "-c", "log_min_messages=fatal"]
    process = subprocess.Popen([server, "-D", folder / "data", *options], user=user, stderr=subprocess.DEVNULL)
    address = f"postgresql://penstock@/postgres?host={folder}"
    try:
        await_postgres(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def await_postgres(address: str, process: subprocess.Popen[bytes]) -> None:
    import psycopg

    while process.poll() is None:
        try:
            psycopg.connect(address).close()
            return
        except psycopg.OperationalError:
            continue
    raise AssertionError("PostgreSQL didn't start")
