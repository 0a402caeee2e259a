"""What the validate calls answer: the problems of a text in the shape that editors, Terraform and CI clients read.

Owns only that shape; the rules are behind `parse`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

from engine.flow.document import Document, read_documents
from engine.flow.model import build_flow
from engine.flow.parse import ParsedFlow, parse_flows
from engine.flow.problems import Path, Problem, Report, kind_of
from engine.flow.rules.structure import check_structure
from engine.flow.rules.tasks import check_tasks
from engine.flow.rules.triggers import check_triggers
from engine.flow.tasks import read_task
from engine.flow.triggers import read_triggers


def validate_result(
    source: str, last_revision: int | None = None, silenced: Collection[str] = (), index: int = 0
) -> dict[str, Any]:
    """Return the result for the first flow of a text; see `validate_results`."""
    return validate_results(source, last_revision, silenced)[0] | {"index": index}


def validate_results(
    source: str, last_revision: int | None = None, silenced: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return one result for each document of a text.

    Args:
        source: YAML, perhaps several documents.
        last_revision: The revision that is stored, so that `outdated` can tell whether the text's own `revision` is
            not the one after it.
        silenced: Rules whose warnings and infos are left out.

    Returns:
        Maps of index, namespace, flow, constraints (None if the flow can be saved, else one line for each error),
        outdated, deprecationPaths, warnings, infos, and beyond the usual `problems` with exact places for editors.
    """
    return [
        _result(parsed, index, last_revision) for index, parsed in enumerate(parse_flows(source, silenced=silenced))
    ]


def _result(parsed: ParsedFlow, index: int, last_revision: int | None) -> dict[str, Any]:
    raw = parsed.raw if isinstance(parsed.raw, dict) else {}
    sent = raw.get("revision")
    return {
        "index": index,
        "flow": raw.get("id"),
        "namespace": raw.get("namespace"),
        "outdated": last_revision is not None and isinstance(sent, int) and sent != last_revision + 1,
        **_findings(parsed.problems),
    }


def _findings(problems: tuple[Problem, ...]) -> dict[str, Any]:
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    remarks = [problem for problem in problems if problem.severity == "info"]
    return {
        "constraints": "\n".join(errors) or None,
        "deprecationPaths": [problem.path for problem in remarks if problem.rule == "deprecated-property"],
        "warnings": [str(problem) for problem in problems if problem.severity == "warning"],
        "infos": [problem.message for problem in remarks if problem.rule != "deprecated-property"],
        "problems": [problem_to_json(problem) for problem in problems],
    }


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON, with the words editors use for its fields."""
    return {name: getattr(problem, name) for name in problem.__struct_fields__}


def validate_part(source: str, section: Literal["TASKS", "TRIGGERS"]) -> dict[str, Any]:
    """Return the result for the text of a single task or trigger, as when a form edits just that one."""
    document = read_documents(source)[0]
    report = Report(_Shifted(document, section))
    report.problems.extend(document.problems)
    if not isinstance(document.value, dict):
        if not document.problems:
            report.error("type-mismatch", f"Expected a map with id and type, but found {kind_of(document.value)}", ())
    elif section == "TASKS":
        _check_task(report, document.value)
    else:
        _check_trigger(report, document.value)
    return {"index": 0, "outdated": False, **_findings(report.sorted())}


def _check_task(report: Report, value: Any) -> None:
    task = read_task(report, value, ("tasks", 0))
    flow = build_flow(id="", namespace="", branches={"tasks": (task,)})
    check_structure(report, flow)
    check_tasks(report, flow)


def _check_trigger(report: Report, value: Any) -> None:
    triggers = read_triggers(report, [value], ("triggers",))
    check_triggers(report, build_flow(id="", namespace="", triggers=triggers))


class _Shifted:
    """A single task or trigger that stands where it would in a flow: the first two steps of a path lead to it."""

    def __init__(self, document: Document, section: str) -> None:
        self._document = document
        self.value = {section.lower(): [document.value]}

    def position(self, path: Path, of_key: bool = False) -> tuple[int, int]:
        """Return line and column in the single thing's own text."""
        return self._document.position(path[2:], of_key)

    def position_within(self, path: Path, offset: int) -> tuple[int, int]:
        """Return line and column in the single thing's own text."""
        return self._document.position_within(path[2:], offset)

    def written(self, path: Path) -> str | None:
        """Return the unquoted word in the single thing's own text."""
        return self._document.written(path[2:])
