"""How events of the catalogue change the views."""

from __future__ import annotations

from api.projections.batch import Batch, FlowChange
from engine.catalog.events import FlowDeleted, FlowSaved
from topics.messages import Step


def fold_step(batch: Batch, step: Step) -> None:
    """Add a counted step of a flow."""
    for seq, event in enumerate(step.events, step.seq):
        if not isinstance(event, FlowSaved | FlowDeleted):
            continue
        key = (event.namespace, event.flow_id)
        change = batch.flows.get(key)
        if change is None:
            change = batch.flows[key] = FlowChange()
        if isinstance(event, FlowSaved):
            change.saved.append((seq, event))
            change.deleted = None
        else:
            change.deleted = (seq, event)
