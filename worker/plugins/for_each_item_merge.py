"""The last part of ForEachItem: one file with the outputs of all executions that it called."""

from __future__ import annotations

import tempfile
from typing import BinaryIO, cast

from engine.flowables.for_each_item import MERGE
from worker.context import Plugin, Result, RunContext, TaskFailed
from worker.history import TooFarBack
from worker.kill import Killed
from worker.properties import Properties, Text

SPOOL_BYTES = 1 << 20


class MergeProperties(Properties):
    """What the engine says of the other parts."""

    items: Text
    """Id of the task that called them."""


def run(context: RunContext, properties: MergeProperties) -> Result:
    """Store the outputs, one execution a row, in the order of the batches; nothing if none had any."""

    def check() -> None:
        if context.kill.why is not None:
            raise Killed

    job = context.job
    try:
        outputs = context.history.batch_outputs(job.execution_id, job.task_run_id, properties.items, check)
    except TooFarBack as error:
        raise TaskFailed(f"{error}; give the flow that is called no outputs, or make the batches larger") from None
    if not outputs:
        return Result()
    with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as file:
        for row in outputs:  # JSON is a part of ION
            file.write(row + b"\n")
        file.seek(0)
        uri = context.files.put("outputs.ion", cast("BinaryIO", file))
    return Result({"subflowOutputs": uri})


PLUGIN = Plugin(MERGE, MergeProperties, run)
