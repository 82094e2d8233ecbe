"""The two files: coded lines of a month, and the dictionary that explains them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from services.metrics.coded.dictionary import dictionary
from services.metrics.coded.rows import COLUMNS, coded
from services.metrics.counting.reading import read_book
from services.metrics.reports.cells import harmless
from services.metrics.spans import Span
from shared.policy import WorkingTime


async def coded_csv(tx: AsyncConnection, span: Span, working_time: WorkingTime) -> bytes:
    """Every referral received in the span, in the order of receipt, UTF-8; those of an erased family are left out."""
    book = await read_book(tx, span, working_time)
    return _csv(COLUMNS, (coded(case) for case in book.cases if case.received_on in span and not case.is_erased))


def dictionary_csv() -> bytes:
    """What each column and each code means."""
    lines = dictionary()
    return _csv(tuple(lines[0]), lines)


def _csv(columns: Sequence[str], lines: Iterable[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([harmless(line[column]) for column in columns] for line in lines)
    return text.getvalue().encode()
