"""Makes docs/assurance/safety-case.md from the hazard log."""

from __future__ import annotations

import tomllib
from typing import Any, Final

from deploy.assurance.evidence import FOLDER

LOG: Final = FOLDER / "hazards.toml"
PAGE: Final = FOLDER / "safety-case.md"
SEVERITIES: Final = ("minor", "significant", "considerable", "major", "catastrophic")
LIKELIHOODS: Final = ("very low", "low", "medium", "high", "very high")
RISK: Final = (
    (1, 1, 2, 2, 3),
    (1, 2, 2, 3, 4),
    (2, 2, 3, 3, 4),
    (2, 3, 3, 4, 5),
    (3, 4, 4, 5, 5),
)
"""Risk by likelihood (row) and severity (column), as in the guidance to DCB0129."""
MEANING: Final = {
    1: "acceptable",
    2: "acceptable where further reduction costs more than it gives",
    3: "undesirable",
    4: "to be reduced before use",
    5: "unacceptable",
}

HEAD: Final = """# Clinical safety case report (draft)

Made from [hazards.toml](hazards.toml) by `make assurance`; a test fails when it is not current. **No Clinical Safety
Officer has read or signed this.** The ratings are proposals of the developers. The organisation's to do: appoint a
Clinical Safety Officer, review each hazard with the team, sign this report (DCB0129), and keep a log of its own for the
deployment (DCB0160).

**What the system does and does not do**: [intended-purpose.md](intended-purpose.md).
**How hazards were found**: by reading each rule with its source, by an independent reading of security and records,
and by tests that break the system on purpose (`tests/chaos`). No workshop with clinicians has taken place.
**How a control is shown**: by the tests it names. They run on a real PostgreSQL and Kafka at each change (`.ci/run`); a
control whose test is gone or skipped fails `tests/assurance/test_living_files.py`.

Risk is 1 to 5, from severity and likelihood by the matrix of the guidance to DCB0129: 1 and 2 acceptable, 3
undesirable, 4 to be reduced before use, 5 unacceptable.
"""


def risk(rating: dict[str, int]) -> int:
    """Risk 1 to 5 of a rating with `severity` and `likelihood` 1 to 5; raises IndexError beyond 5."""
    return RISK[rating["likelihood"] - 1][rating["severity"] - 1]


def hazards() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(LOG.read_text(encoding="utf-8"))["hazard"]
    return found


def page() -> str:
    """The whole page as Markdown."""
    known = hazards()
    rows = [f"| [{each['id']}](#{_anchor(each)}) | {each['title']} | {_risks(each)} |" for each in known]
    summary = ["| Hazard | What | Risk before → after |", "|---|---|---|", *rows]
    left = [f"- {each['id']}: {each['left']}" for each in known if each["left"] != "-"]
    return "\n".join(
        [
            HEAD,
            "## Summary",
            *summary,
            "",
            *(line for each in known for line in _section(each)),
            "## The organisation's to do",
            *left,
            "- All: the review and the signature of a Clinical Safety Officer.",
            "",
        ]
    )


def _section(hazard: dict[str, Any]) -> list[str]:
    controls = [f"| {each['does']} | {'<br>'.join(f'`{test}`' for test in each['by'])} |" for each in hazard["control"]]
    return [
        f"## {hazard['id']}: {hazard['title']}",
        f"- **Cause**: {hazard['cause']}",
        f"- **Effect**: {hazard['effect']}",
        f"- **Before**: {_rating(hazard['before'])}",
        f"- **After**: {_rating(hazard['after'])}",
        "",
        "| Control | Evidence |",
        "|---|---|",
        *controls,
        "",
    ]


def _rating(rating: dict[str, int]) -> str:
    severity, likelihood = SEVERITIES[rating["severity"] - 1], LIKELIHOODS[rating["likelihood"] - 1]
    return f"{severity}, {likelihood} likelihood: risk {risk(rating)} ({MEANING[risk(rating)]})"


def _risks(hazard: dict[str, Any]) -> str:
    return f"{risk(hazard['before'])} → {risk(hazard['after'])}"


def _anchor(hazard: dict[str, Any]) -> str:
    kept = "".join(letter for letter in hazard["title"].lower() if letter.isalnum() or letter in " -")
    return f"{hazard['id'].lower()}-{kept.replace(' ', '-')}"
