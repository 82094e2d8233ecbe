"""What the calls for reports answer, for OpenAPI: each form with an example, and each problem."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Final

from services.metrics.reports.formats import MEDIA_TYPES, Format
from services.metrics.reports.model import (
    MODELS,
    SMALL,
    Access,
    AnyReport,
    Change,
    ContractReport,
    Dimension,
    EqualityReport,
    Figure,
    Heading,
    Need,
    NeedReport,
    ReportKind,
    ReportStatus,
    Row,
    Shown,
    Table,
    Unit,
    Verdict,
)
from shared.problems import CATALOGUE

Answers = dict[int | str, dict[str, Any]]

_PERIODS: Final = {
    ReportKind.CONTRACT: ("2026-06", date(2026, 6, 1), date(2026, 6, 30)),
    ReportKind.EQUALITY: ("2026-03--2026-08", date(2026, 3, 1), date(2026, 8, 31)),
    ReportKind.NEED: ("2025-09--2026-08", date(2025, 9, 1), date(2026, 8, 31)),
}


def _heading(kind: ReportKind, **changes: Any) -> Heading:
    period, first_day, last_day = _PERIODS[kind]
    usual: dict[str, Any] = {
        "kind": kind,
        "period": period,
        "first_day": first_day,
        "last_day": last_day,
        "authority": "E06000018",
        "authority_name": "Nottingham",
        "policy": "nottingham",
        "policy_version": 2,
        "terms": "0c5dfa1b6e0e4f2a",
        "contract_year": 4,
        "is_payment_year": True,
        "status": ReportStatus.PUBLISHED,
        "published_at": datetime(2026, 9, 7, 6, 0, tzinfo=UTC),
    }
    return Heading(**usual | changes)


def _contract() -> ContractReport:
    share = Figure(
        code="decided_in_time",
        name="Decided within 5 working days",
        definition="Of the referrals whose decision was due in the month, those decided in time.",
        numerator_means="Decided in time",
        denominator_means="Decision due in the month",
        counted_by="The day on which the decision was due",
        source="Referral and decision events",
        quality="Complete.",
        unit=Unit.SHARE,
        value=Shown(value=84),
        numerator=Shown(value=105),
        denominator=Shown(value=125),
        target=0.9,
        verdict=Verdict.MISSED,
        is_paid=True,
    )
    wards = Table(
        code="by_ward",
        title="Referrals by ward",
        dimension="ward",
        columns={"received": "Received"},
        rows=(Row(code="E05012275", name="Bulwell", counts={"received": SMALL}),),
        total=Row(code="total", name="All", counts={"received": Shown(value=140)}),
    )
    changes = (Change(where="Referrals received", before="135", after="140"),)
    heading = _heading(
        ReportKind.CONTRACT, version=2, changes=changes, published_at=datetime(2026, 8, 7, 6, tzinfo=UTC)
    )
    return ContractReport(heading=heading, figures=(share,), tables=(wards,), quality=("Every referral is counted.",))


def _equality() -> EqualityReport:
    fewer = "Asian mothers are referred less than half as often as their share of under-twos suggests."
    row = Access(
        code="asian",
        name="Asian or Asian British",
        received=Shown(value=50),
        accepted=Shown(value=35),
        population=1500,
        population_share=18,
        referred_share=7,
        ratio=0.39,
        low=0.24,
        high=0.6,
        gap="fewer",
        words=fewer,
    )
    dimension = Dimension(
        code="mother_ethnicity",
        title="Ethnic category of the mother",
        rows=(row,),
        total_received=Shown(value=705),
        total_accepted=Shown(value=490),
        source="Invented",
        is_invented=True,
    )
    return EqualityReport(heading=_heading(ReportKind.EQUALITY), dimensions=(dimension,), gaps=(fewer,))


def _need() -> NeedReport:
    def need(code: str, name: str, **rest: Any) -> Need:
        return Need(code=code, name=name, **rest)

    return NeedReport(
        heading=_heading(ReportKind.NEED),
        tiers=(
            need(
                "specialist_long",
                "Specialist, longer-term",
                under_twos=8420,
                share=0.07,
                expected=589,
                seen=Shown(value=240),
                unmet=349,
            ),
        ),
        wards=(need("E05012275", "Bulwell", under_twos=640, share=None, expected=58, seen=SMALL, unmet=None),),
        outreach=(),
        expected={"E05012275": {"specialist_long": 45}},
        source="Invented",
        is_invented=True,
    )


def _not_yet(kind: ReportKind) -> dict[str, Any]:
    heading = _heading(kind, status=ReportStatus.NOT_YET, published_at=None, available_on=date(2026, 9, 7))
    parts: dict[ReportKind, AnyReport] = {
        ReportKind.CONTRACT: ContractReport(heading=heading, figures=(), tables=()),
        ReportKind.EQUALITY: EqualityReport(heading=heading, dimensions=(), gaps=()),
        ReportKind.NEED: NeedReport(
            heading=heading, tiers=(), wards=(), outreach=(), expected={}, source="", is_invented=False
        ),
    }
    return parts[kind].model_dump(mode="json")


_EXAMPLES: Final = {ReportKind.CONTRACT: _contract, ReportKind.EQUALITY: _equality, ReportKind.NEED: _need}
_FILES: Final = {Format.HTML: "string", Format.CSV: "string", Format.XLSX: "binary"}


def answers(kind: ReportKind, *, is_by_accept: bool = True) -> Answers:
    """Of one kind of report, asked for by `Accept` or by a suffix."""
    examples = {
        "published": {"summary": "As it was published", "value": _EXAMPLES[kind]().model_dump(mode="json")},
        "not_yet": {"summary": "Not published yet: no figure", "value": _not_yet(kind)},
    }
    json = {"schema": {"$ref": f"#/components/schemas/{MODELS[kind].__name__}"}, "examples": examples}
    files: dict[str, Any] = {
        MEDIA_TYPES[form]: {"schema": {"type": "string"} | ({"format": shape} if shape == "binary" else {})}
        for form, shape in _FILES.items()
    }
    given = {
        "description": "The report; `status` in its heading says whether it is published",
        "headers": {"ETag": {"schema": {"type": "string"}, "description": "For `If-None-Match`"}},
        "content": {MEDIA_TYPES[Format.JSON]: json, **files},
    }
    names = ("credentials-missing", "forbidden", "not-found", *(("not-acceptable",) if is_by_accept else ()), "invalid")
    unchanged = {"description": "As it was, by `If-None-Match`"}
    return {200: given, 304: unchanged, **{CATALOGUE[name][0]: _problem(name) for name in names}}


def _problem(name: str) -> dict[str, Any]:
    status, title = CATALOGUE[name]
    example = {
        "type": f"urn:pir:problem:{name}",
        "title": title,
        "status": status,
        "detail": title,
        "instance": "/reports",
    }
    return {"description": title, "content": {"application/problem+json": {"example": example}}}


_LINE: Final = {
    "kind": "contract",
    "period": "2026-06",
    "version": 2,
    "published_at": "2026-08-07T06:00:00+00:00",
    "is_practice": False,
    "href": "/reports/contract?month=2026-06&version=2",
}
LISTED: Final[Answers] = {
    200: {"content": {"application/json": {"example": {"items": [_LINE]}}}},
    **{CATALOGUE[name][0]: _problem(name) for name in ("credentials-missing", "forbidden")},
}
"""What the list of all that is published answers."""
