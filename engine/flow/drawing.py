"""A flow as an SVG picture that needs nothing else: no script, no font, no request. Owns shapes and colours."""

from __future__ import annotations

from html import escape

from engine.flow.layout import HEIGHT, LONGEST, PADDING, TITLE, Box, lay_out
from engine.flow.model import Flow

_MARGIN = 20
_STYLE = (
    "text{font:12px ui-sans-serif,system-ui,sans-serif;fill:#1c2330;text-anchor:middle}"
    ".note{font-size:10px;fill:#677084}.task{fill:#fff;stroke:#5b6b8c}.trigger{fill:#eef4ff;stroke:#3867d6}"
    ".flowable{fill:#f6f8fb;stroke:#9aa7bd}.branch{fill:none;stroke:#c3ccdb;stroke-dasharray:4 3}"
    ".arrow{stroke:#5b6b8c;fill:none}.off{opacity:.45}"
    "@media(prefers-color-scheme:dark){text{fill:#e6eaf2}.note{fill:#9aa7bd}.task{fill:#1d2431}"
    ".trigger{fill:#17264a}.flowable{fill:#141a24}}"
)


def graph_svg(flow: Flow) -> str:
    """Return a picture of a flow as a complete SVG document."""
    box = lay_out(flow)
    width, height = round(box.width + 2 * _MARGIN), round(box.height + 2 * _MARGIN)
    parts: list[str] = []
    _draw(box, _MARGIN, _MARGIN, parts)
    title = escape(f"{flow.namespace}.{flow.id}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{title}"><title>{title}</title><style>{_STYLE}</style>'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0L8 4L0 8z" fill="#5b6b8c"/></marker></defs>{"".join(parts)}</svg>\n'
    )


def _draw(box: Box, x: float, y: float, parts: list[str]) -> None:
    """Add a box that stands at `x`, `y` of the page, and everything in it."""
    if box.kind in ("task", "trigger", "flowable", "branch"):
        off = ' class="off"' if box.disabled else ""
        parts.append(f"<g{off}>")
        radius = HEIGHT / 2 if box.kind == "trigger" else 8
        parts.append(
            f'<rect class="{box.kind}" x="{x:.1f}" y="{y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
            f'rx="{radius:g}"/>'
        )
        middle = x + box.width / 2
        if box.kind == "branch":
            parts.append(_text(middle, y + TITLE / 2 + 4, box.label, "note"))
        else:
            parts.append(_text(middle, y + 19, box.label, ""))
            parts.append(_text(middle, y + 34, box.note, "note"))
    for child in box.children:
        _draw(child, x + child.x, y + child.y, parts)
    for source, target in box.arrows:
        parts.append(_arrow(box.children[source], box.children[target], x, y))
    if box.kind in ("task", "trigger", "flowable", "branch"):
        parts.append("</g>")


def _text(x: float, y: float, text: str, kind: str) -> str:
    shown = text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}">{escape(shown)}</text>'


def _arrow(source: Box, target: Box, x: float, y: float) -> str:
    x1, y1 = x + source.x + source.width / 2, y + source.y + source.height
    x2, y2 = x + target.x + target.width / 2, y + target.y - 2
    bend = min(PADDING, (y2 - y1) / 2)
    path = f"M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
    return f'<path class="arrow" d="{path}" marker-end="url(#head)"/>'
