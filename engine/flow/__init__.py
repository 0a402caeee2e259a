"""The front door: YAML text of either generation to one immutable `Flow`, with every error at once."""

from engine.flow.model import Concurrency, Flow, Input, Output, Place, Retry, Task, Trigger, build_flow, walk
from engine.flow.parse import ParsedFlow, parse_flow, parse_flows
from engine.flow.problems import Problem

__all__ = [
    "Concurrency",
    "Flow",
    "Input",
    "Output",
    "ParsedFlow",
    "Place",
    "Problem",
    "Retry",
    "Task",
    "Trigger",
    "build_flow",
    "parse_flow",
    "parse_flows",
    "walk",
]
