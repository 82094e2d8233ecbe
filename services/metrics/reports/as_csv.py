"""A report as one tidy CSV file: a line for every number, and what it means beside it.

UTF-8 with a byte order mark: without one Excel reads it as Windows-1252 and spoils names; readers such as Python's
`utf-8-sig`, pandas and R leave it out, and programs have the JSON. Lines end as RFC 4180 says. A number that is held
back leaves `value` empty and has its shorthand in `mark`, so that `value` is a column of numbers.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from services.metrics.reports import words
from services.metrics.reports.harmless_text import harmless
from services.metrics.reports.model import (
    ABSENT,
    Access,
    AnyReport,
    ContractReport,
    Dimension,
    EqualityReport,
    Figure,
    Heading,
    Need,
    NeedReport,
    Row,
    Shown,
    Table,
    Unit,
)
from services.metrics.reports.remarks import need_remarks, reason, remarks, result

CsvRow = dict[str, str | int | float]
CsvNumber = Shown | int | float | None

COLUMNS: Final = (
    *("report", "authority", "authority_name", "period", "first_day", "last_day", "contract_year", "payment_year"),
    *("status", "version", "is_practice"),
    *("section", "code", "name", "dimension", "category_code", "category", "column"),
    *("unit", "value", "mark", "target", "verdict", "is_paid", "definition", "counted_by", "source", "quality", "note"),
)
_UNITS: Final = {Unit.COUNT: "count", Unit.SHARE: "per_cent", Unit.DAYS: "working_days"}
_PERCENT: Final = 100
_DECIMALS: Final = 4
_LEFT_OPEN: Final = "The {} whole per cent that the rounding of the two numbers leaves possible."


def contract_csv(report: ContractReport) -> bytes:
    """Sections `figure` (value, numerator, denominator, low, high) and `table` (a column each), then what is said."""
    figures = (line for figure in report.figures for line in _figure(figure, report))
    tables = (line for table in report.tables for line in _table(table))
    return _file(report, (*figures, *tables, *_said("quality", report.quality)))


def equality_csv(report: EqualityReport) -> bytes:
    """Section `access`, then the gaps in words."""
    access = (line for dimension in report.dimensions for line in _dimension(dimension))
    return _file(report, (*access, *_said("gap", report.gaps), *_said("quality", report.quality)))


def need_csv(report: NeedReport) -> bytes:
    """Sections `tier`, `ward`, `outreach` and `expected` (wards by tier)."""
    source: CsvRow = {"source": report.source, "quality": words.INVENTED if report.is_invented else ""}
    parts = {"tier": report.tiers, "ward": report.wards, "outreach": report.outreach}
    notes = need_remarks(report.tiers)
    needs = (line for section, part in parts.items() for need in part for line in _need(section, need, notes))
    elsewhere = _line(
        "families", "families", report.seen_elsewhere, section="elsewhere", name="Seen by another service"
    )
    lines = [line | source for line in (*needs, *_expected(report), elsewhere)]
    return _file(report, (*lines, *_said("quality", report.quality)))


def _file(report: AnyReport, lines: Iterable[CsvRow]) -> bytes:
    heading = report.heading
    about = _said("about", (words.status(heading), words.COUNTING, *([words.PRACTICE] if heading.is_practice else ())))
    changed = _said("change", (f"{each.where}: {each.before} before, {each.after} now" for each in heading.changes))
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS, restval="")
    writer.writeheader()
    same = _about(heading)
    for line in (*lines, *about, *changed):
        writer.writerow(
            {name: harmless(cell) if isinstance(cell, str) else cell for name, cell in (same | line).items()}
        )
    return written.getvalue().encode("utf-8-sig")


def _about(heading: Heading) -> CsvRow:
    """What every line says of the report that it is from."""
    return {
        "report": heading.kind.value,
        "authority": heading.authority,
        "authority_name": heading.authority_name,
        "period": heading.period,
        "first_day": heading.first_day.isoformat(),
        "last_day": heading.last_day.isoformat(),
        "contract_year": "" if heading.contract_year is None else heading.contract_year,
        "payment_year": _yes(is_so=heading.is_payment_year),
        "status": heading.status.value,
        "version": heading.version,
        "is_practice": _yes(is_so=heading.is_practice),
    }


def _figure(figure: Figure, report: ContractReport) -> Iterator[CsvRow]:
    """The line of the value has what must be read with it as its note: the verdict's reason first."""
    told = {
        "section": "figure",
        "code": figure.code,
        "name": figure.name,
        "counted_by": figure.counted_by,
        "source": figure.source,
        "quality": figure.quality,
    }
    judged: CsvRow = {"is_paid": _yes(is_so=figure.is_paid), "verdict": figure.verdict.value if figure.verdict else ""}
    judged["note"] = " ".join((*([f"{result(figure)}."] if reason(figure) else []), *remarks(figure, report)))
    if figure.target is not None:
        judged["target"] = round(figure.target * _PERCENT, 2)
    yield _line("value", _UNITS[figure.unit], figure.value, definition=figure.definition, **told) | judged
    if figure.numerator is not None:
        yield _line("numerator", "count", figure.numerator, definition=figure.numerator_means, **told)
    if figure.denominator is not None:
        yield _line("denominator", "count", figure.denominator, definition=figure.denominator_means, **told)
    if figure.low is not None and figure.high is not None:
        yield _line("low", "per_cent", figure.low, definition=_LEFT_OPEN.format("lowest"), **told)
        yield _line("high", "per_cent", figure.high, definition=_LEFT_OPEN.format("highest"), **told)


def _table(table: Table) -> Iterator[CsvRow]:
    told = {
        "section": "table",
        "code": table.code,
        "name": table.title,
        "dimension": table.dimension,
        "note": table.note,
    }
    for row in (*table.rows, table.total):
        for code in table.columns:
            yield _line(code, "count", row.counts[code], **_category(row), **told)


def _dimension(dimension: Dimension) -> Iterator[CsvRow]:
    told = {"section": "access", "code": dimension.code, "name": dimension.title, "dimension": dimension.code}
    told |= {"source": dimension.source, "quality": words.INVENTED if dimension.is_invented else ""}
    told |= {"note": dimension.note}
    for row in dimension.rows:
        for column, (unit, number) in _access(row).items():
            yield _line(column, unit, number, **_category(row), definition=row.words, **told)
    for column, number in (("received", dimension.total_received), ("accepted", dimension.total_accepted)):
        yield _line(column, "count", number, category_code="total", category="All", **told)


def _access(row: Access) -> Mapping[str, tuple[str, CsvNumber]]:
    """Column → unit and number."""
    return {
        "received": ("count", row.received),
        "accepted": ("count", row.accepted),
        "population": ("children", row.population),
        "population_share": ("per_cent", row.population_share),
        "referred_share": ("per_cent", row.referred_share),
        "ratio": ("ratio", row.ratio),
        "ratio_low": ("ratio", row.low),
        "ratio_high": ("ratio", row.high),
    }


def _need(section: str, need: Need, notes: Mapping[str, str]) -> Iterator[CsvRow]:
    told = {"section": section, "code": "need", "dimension": section, **_category(need)}
    told["note"] = notes.get(need.code, "") if section == "tier" else ""
    if need.under_twos is not None:
        yield _line("under_twos", "children", need.under_twos, **told)
    if need.share is not None:
        yield _line("share", "per_cent", need.share * _PERCENT, **told)
    for column, number in (("expected", need.expected), ("seen", need.seen), ("unmet", need.unmet)):
        yield _line(column, "families", number, **told)


def _expected(report: NeedReport) -> Iterator[CsvRow]:
    wards = {ward.code: ward.name for ward in report.wards}
    for ward, by_tier in report.expected.items():
        category = {"category_code": ward, "category": wards.get(ward, ward)}
        for tier, families in by_tier.items():
            yield _line(tier, "families", families, section="expected", code="expected", dimension="ward", **category)


def _category(row: Row | Access | Need) -> dict[str, str]:
    return {"category_code": row.code, "category": row.name}


def _said(section: str, sentences: Iterable[str]) -> Iterator[CsvRow]:
    """Sentences on the whole report, a line each."""
    return ({"section": section, "note": sentence} for sentence in sentences)


def _line(column: str, unit: str, number: CsvNumber, **told: str) -> CsvRow:
    return {"column": column, "unit": unit, **_value(ABSENT if number is None else number), **told}


def _value(number: Shown | float) -> CsvRow:
    if not isinstance(number, Shown):
        return {"value": round(number, _DECIMALS)}
    return {"mark": number.text} if number.value is None else {"value": number.value}


def _yes(*, is_so: bool) -> str:
    return "yes" if is_so else "no"
