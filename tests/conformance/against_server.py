"""Runs a folder of conformance cases: its expressions through the engine alone, then everything against a fresh server.

The exit code is that of the folder's runner, or 1 if only the engine alone fails. The folder brings its own runner,
`conform.py`, which takes `--base-url`; further arguments go to it. The server gets the variables and secrets that such
cases expect to find.
"""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conformance.through_engine import run_rows
from tests.deploy.server import started

SECRETS = {"WEBHOOK_KEY": "secretKey", "MY_SECRET": '{"secretKey":"secretValue"}', "NEW_LINE": "cGFzc3dvcmR2\nZXJ5bG9u"}
HAVE = "secret-webhook-key,secret-my-secret,env-test1-test2,globals"
GLOBALS = "string: string\nint: 1\nbool: true\nnested: {int: 2}\n"


def main() -> int:
    """Run the cases."""
    if len(sys.argv) < 2 or not (Path(sys.argv[1]) / "conform.py").is_file():
        print("name a folder of cases with its runner conform.py: make conformance CASES=folder", file=sys.stderr)
        return 2
    cases = Path(sys.argv[1]).resolve()
    runner = cases / "conform.py"
    failed = run_rows(cases) if (cases / "expressions.yaml").is_file() else 0
    environ = {f"SECRET_{name}": base64.b64encode(value.encode()).decode() for name, value in SECRETS.items()}
    environ |= {"ENV_TEST1": "true", "ENV_TEST2": "Pass by env"}
    with (
        tempfile.TemporaryDirectory(prefix="penstock-conformance-") as folder,
        tempfile.NamedTemporaryFile("w", suffix=".yaml") as variables,
    ):
        variables.write(GLOBALS)
        variables.flush()
        with started("standalone", Path(folder), "--set", f"globals={variables.name}", environ=environ) as server:
            command = [sys.executable, runner, "--base-url", server.address, "--have", HAVE, *sys.argv[2:]]
            code = subprocess.run(command).returncode
            server.stop(signal.SIGTERM)
    return code or min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
