"""What an operator may set about the API.

Owns the values and their defaults; reading files and environment variables is the composition root's.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.values import Dialect

TENANT = "main"
"""The only tenant; its segment in a path may be left out."""


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one API process."""

    views: str
    """Where views are kept: `sqlite:<path of a file>` or a `postgresql://` address."""
    command_timeout_s: float = 30.0
    """How long a request waits for its command's step to be applied."""
    wait_max_s: float = 3600.0
    """How long `wait=true` may hold a request open."""
    body_bytes_max: int = 3 * 1024 * 1024
    """Largest body of a request without files: a source must fit into one record of the log."""
    upload_bytes_max: int = 10 * 1024 * 1024 * 1024
    """Largest body of a request with files."""
    json_depth_max: int = 64
    heartbeat_s: float = 15.0
    """Pause after which a silent event stream sends a comment."""
    follow_interval_s: float = 0.1
    """Shortest time between two frames of one followed execution: each holds the whole execution."""
    follow_lines_max: int = 10_000
    """Log lines that wait for a slow follower; one that falls further behind is disconnected."""
    followers_max: int = 2_000
    read_threads: int = 2
    batch_records: int = 4_000
    """Most records that one transaction of the projection takes."""
    ui_url: str = ""
    """Address of the web UI for links, such as `https://flows.example`; empty: relative links."""
    environment_name: str = ""
    environment_color: str = ""
    version: str = "0.1.0"
    dialect: Dialect = Dialect.V1
    """Of all expressions."""
    expression_globals: dict[str, Any] = {}
    """What expressions read besides inputs and flow: `envs`, `globals`, `kestra`."""
