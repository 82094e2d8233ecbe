"""`python -m deploy.work_items` draws the steps in docs/work-items.md again, from the table in code."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.triage.work_items.deadlines import ItemState
from services.triage.work_items.steps import HEADS, STEPS, as_table

FILE: Final = Path(__file__).parents[1] / "docs" / "work-items.md"
BEGINS, ENDS = "<!-- made by deploy/work_items.py: -->\n", "<!-- end -->\n"


def table() -> str:
    """The steps as a Markdown table, in the order of the code."""
    rows = [HEADS, ["---"] * len(HEADS), *as_table()]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def drawing() -> str:
    """The states and the steps that lead from one to another, as a Mermaid diagram."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for name, step in STEPS.items():
        for start in ItemState:
            if step.to is not None and start in step.start and start is not step.to:
                arrows.setdefault((start.value, step.to.value), []).append(name)
    lines = [f"    {start} --> {end}: {', '.join(names)}" for (start, end), names in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> open", *lines, "```"]) + "\n"


def written(text: str) -> str:
    """The page with its made part as the code has it now."""
    before, _, rest = text.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    return f"{before}{BEGINS}{drawing()}\n{table()}{ENDS}{after}"


if __name__ == "__main__":
    FILE.write_text(written(FILE.read_text(encoding="utf-8")), encoding="utf-8")
