"""`node.Script`: a file for Node."""

from __future__ import annotations

import shutil

import pytest

from tests.worker.attempts import Attempts
from tests.worker.executors import job

TYPE = "io.kestra.plugin.scripts.node.Script"


@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
def test_a_script_runs_with_the_files_beside_it(attempts: Attempts) -> None:
    text = "const x = require('./x.json'); console.log('::' + JSON.stringify({outputs: {n: x.n}}) + '::')"
    outputs = attempts.outputs(job(TYPE, properties={"script": text, "inputFiles": {"x.json": {"n": 1}}}))

    assert outputs["vars"] == {"n": 1}


def test_without_node_the_shell_says_so(attempts: Attempts) -> None:
    ended = attempts.run(job(TYPE, properties={"script": "1", "env": {"PATH": "/nowhere"}}))

    assert ended.error == "Command failed with exit code 127"
