"""What a later version of a report says differently: only what was published, before and after. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from services.metrics.reports.model import (
    AnyReport,
    Change,
    ContractReport,
    EqualityReport,
    Figure,
    Mark,
    NeedReport,
    Table,
)

ChangedNumber = tuple[str, str]
"""Where it stands, and as it stands there."""


def changes(before: AnyReport, after: AnyReport) -> tuple[Change, ...]:
    """Every published number that differs, with where it stands; empty when the two say the same.

    A figure that reports did not have yet corrects nothing: by itself it is no change.
    """
    if isinstance(before, ContractReport) and isinstance(after, ContractReport):
        known = {figure.code for figure in before.figures}
        figures = tuple(figure for figure in after.figures if figure.code in known)
        if not _differences(before, after.model_copy(update={"figures": figures})):
            return ()
    return _differences(before, after)


def _differences(before: AnyReport, after: AnyReport) -> tuple[Change, ...]:
    old, new = dict(_numbers(before)), dict(_numbers(after))
    return tuple(
        Change(where=where, before=old.get(where, "not there"), after=new.get(where, "not there"))
        for where in dict.fromkeys([*old, *new])
        if old.get(where) != new.get(where)
    )


def _numbers(report: AnyReport) -> Iterator[ChangedNumber]:
    if isinstance(report, ContractReport):
        for figure in report.figures:
            yield from _of_figure(figure)
        for table in report.tables:
            yield from _of_table(table)
    elif isinstance(report, EqualityReport):
        yield from _of_equality(report)
    else:
        yield from _of_need(report)


def _of_figure(figure: Figure) -> Iterator[ChangedNumber]:
    is_range = figure.value.mark is Mark.RANGE
    yield figure.name, f"{figure.low} to {figure.high}" if is_range else figure.value.text
    if figure.numerator is not None and figure.denominator is not None:
        yield f"{figure.name}: {figure.numerator_means}", figure.numerator.text
        yield f"{figure.name}: {figure.denominator_means}", figure.denominator.text
    if figure.verdict is not None:
        yield f"{figure.name}: target", figure.verdict.value


def _of_table(table: Table) -> Iterator[ChangedNumber]:
    for row in (*table.rows, table.total):
        for column, shown in row.counts.items():
            yield f"{table.title}: {row.name}, {table.columns[column].lower()}", shown.text


def _of_equality(report: EqualityReport) -> Iterator[ChangedNumber]:
    for dimension in report.dimensions:
        for each in dimension.rows:
            yield f"{dimension.title}: {each.name}, received", each.received.text
            yield f"{dimension.title}: {each.name}, accepted", each.accepted.text


def _of_need(report: NeedReport) -> Iterator[ChangedNumber]:
    for need in (*report.tiers, *report.wards):
        yield f"{need.name}: expected", f"{need.expected}"
        yield f"{need.name}: seen", need.seen.text
