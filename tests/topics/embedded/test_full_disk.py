from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("filling_child.py")
ROOT = Path(__file__).parents[3]
NAMESPACE = ["unshare", "--mount", "--map-root-user"]


def small_disks_can_be_mounted() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not small_disks_can_be_mounted(), reason="needs mount namespaces")
def test_a_full_disk_refuses_appends_loses_nothing_and_is_left_behind(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=64m tmpfs "$1" && exec "$2" "$3" "$1"'
    command = [*NAMESPACE, "sh", "-c", script, "sh", str(tmp_path), sys.executable, str(CHILD)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    saw = json.loads(done.stdout)
    assert "disk is full" in saw["error"]
    assert saw["again"] is None
    before, after = saw["acknowledged"][:-1], saw["acknowledged"][-1]
    assert len(before) > 100
    assert saw["full"] == before, "reading goes on while the disk is full, and shows nothing that was refused"
    assert saw["recovered"] == len(before)
    assert saw["reopened"] == [*before, after]
