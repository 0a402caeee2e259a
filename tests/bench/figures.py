"""A measured figure and the table of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Figure:
    """One measured thing, with what the machine alone takes for it and what we aim at."""

    name: str
    value: float
    unit: str
    floor: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def aim(self) -> str:
        """What we aim at, and whether it was reached."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}: {'yes' if self.value <= self.at_most else 'no'}"
        if self.at_least is not None:
            return f"≥ {self.at_least:g}: {'yes' if self.value >= self.at_least else 'no'}"
        return ""


def table(title: str, figures: list[Figure]) -> str:
    """Return the figures as Markdown."""
    lines = [f"| {title} | | | floor | aim |", "|---|---|---|---|---|"]
    lines += [f"| {f.name} | {f.value:.3g} | {f.unit} | {f.floor} | {f.aim} |" for f in figures]
    return "\n".join(lines) + "\n"
