"""Removing a folder with everything in it, whatever modes a script has set."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def remove_tree(root: Path) -> None:
    """Delete a folder; links aren't followed, and what can't be deleted stays."""
    shutil.rmtree(root, ignore_errors=True)
    if not root.exists():
        return
    for folder, names, _ in os.walk(root):
        # A folder without write permission refuses the deletion of its entries.
        os.chmod(folder, 0o700)
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o700)
    shutil.rmtree(root, ignore_errors=True)
