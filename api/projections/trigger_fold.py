"""How events of triggers change the views: each says how a trigger is from then on."""

from __future__ import annotations

from api.projections.batch import Batch
from engine.trigger.events import TriggerChanged, TriggerRemoved
from topics.messages import Step


def fold_step(batch: Batch, step: Step) -> None:
    """Add a counted step of a flow's triggers."""
    namespace, _slash, flow_id = step.id.partition("/")
    for seq, event in enumerate(step.events, step.seq):
        if isinstance(event, TriggerChanged | TriggerRemoved):
            batch.triggers[namespace, flow_id, event.trigger_id] = (seq, event)
