"""Rules that need the whole flow: unique ids, dependencies, recursion, cycles. One module for each part of a flow."""

from __future__ import annotations

from engine.flow.model import Flow
from engine.flow.problems import Report
from engine.flow.rules.structure import check_structure


def check_flow(report: Report, flow: Flow, raw: object) -> None:
    """Check a built flow and report what is wrong with it; `raw` is the document it was built from."""
    check_structure(report, flow)
