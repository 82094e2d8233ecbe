"""The files of the coded export: a month's lines as a manager takes them along, and the dictionary of their codes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import Response
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.metrics.coded.mapping import COLUMNS, coded
from services.metrics.counting.read_book import read_book
from services.metrics.reports.harmless_text import harmless
from services.metrics.spans import Span
from shared import audit
from shared.access import Staff
from shared.audit import Actor, Entry
from shared.database import one_moment
from shared.policy import WorkingTime

NHS_CODES: Final = Path(__file__).parents[3] / "deploy" / "reference" / "nhs_codes.csv"


@dataclass(frozen=True)
class Field:
    """One column. `attributes` are those of the NHS Data Dictionary whose codes it may hold, none for ids and dates."""

    column: str
    name: str
    description: str
    comes_from: str
    attributes: tuple[str, ...] = ()

    @property
    def codes(self) -> dict[str, str]:
        """Code → words."""
        return {code: words for attribute in self.attributes for code, words in nhs_codes().get(attribute, {}).items()}


_ETHNIC: Final = ("ETHNIC_CATEGORY_CODE_2001", "ETHNIC_CATEGORY")

FIELDS: Final = (
    Field("local_id", "LOCAL IDENTIFIER", "The referral's id in this system: a pseudonym.", "referral"),
    Field("received_date", "REFERRAL REQUEST RECEIVED DATE", "The day of receipt in London.", "referral"),
    Field(
        "source_mental_health",
        "SOURCE OF REFERRAL FOR MENTAL HEALTH",
        "Who referred, as the agency's record says.",
        "referral: source",
        ("SOURCE_OF_REFERRAL_FOR_MENTAL_HEALTH",),
    ),
    Field(
        "source_community",
        "SOURCE OF REFERRAL FOR COMMUNITY",
        "The same for the community data set; empty where it has no such source.",
        "referral: source",
        ("SOURCE_OF_REFERRAL_FOR_COMMUNITY",),
    ),
    Field(
        "reason_mental_health",
        "PRIMARY REASON FOR REFERRAL (MENTAL HEALTH)",
        "Worked out from the tier of the latest decision; empty without a tier, and for social care.",
        "triage: tier",
        ("REASON_FOR_REFERRAL_TO_MENTAL_HEALTH",),
    ),
    Field(
        "reason_community",
        "PRIMARY REASON FOR REFERRAL (COMMUNITY CARE)",
        "Worked out from the tier of the latest decision; empty without a tier.",
        "triage: tier",
        ("REASON_FOR_REFERRAL_TO_COMMUNITY_CARE",),
    ),
    Field(
        "priority",
        "CLINICAL RESPONSE PRIORITY TYPE",
        "From the urgency of the latest decision.",
        "triage: urgency",
        ("CLINICAL_RESPONSE_PRIORITY_TYPE",),
    ),
    Field("rejection_date", "REFERRAL REJECTION DATE", "The day on which a person confirmed a decline.", "triage"),
    Field(
        "rejection_reason",
        "REFERRAL REJECTION REASON",
        "From the coded reason of the decline.",
        "triage: reason of the decline",
        ("REFERRAL_REJECTION_REASON",),
    ),
    Field("closure_date", "REFERRAL CLOSURE DATE", "Withdrawn, or the last of its work closed.", "referral, triage"),
    Field(
        "closure_reason",
        "REFERRAL CLOSURE REASON",
        "From the reason of the last closure, or of the withdrawal.",
        "referral, triage: reason of the end",
        ("REFERRAL_CLOSURE_REASON",),
    ),
    Field("ethnic_category_baby", "ETHNIC CATEGORY", "Of the baby.", "referral: ethnic_category", _ETHNIC),
    Field("ethnic_category_mother", "ETHNIC CATEGORY", "Of the mother.", "referral: ethnic_category", _ETHNIC),
    Field("ethnic_category_father", "ETHNIC CATEGORY", "Of the father.", "referral: ethnic_category", _ETHNIC),
)


def dictionary() -> list[dict[str, str]]:
    """One line a code; one line for a column without codes."""
    return [
        {
            "column": field.column,
            "national_name": field.name,
            "description": field.description,
            "comes_from": field.comes_from,
            "code": code,
            "code_means": words,
        }
        for field in FIELDS
        for code, words in (field.codes or {"": ""}).items()
    ]


@lru_cache(maxsize=1)
def nhs_codes() -> dict[str, dict[str, str]]:
    """Attribute → code → words, from the reference file."""
    found: dict[str, dict[str, str]] = {}
    with NHS_CODES.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            found.setdefault(row["attribute"], {})[row["code"]] = row["description"]
    return found


async def coded_csv(tx: AsyncConnection, span: Span, working_time: WorkingTime) -> bytes:
    """Every referral received in the span, in the order of receipt, UTF-8.

    Left out are families that were erased, and those whose records may not be used now.
    """
    book = await read_book(tx, span, working_time)
    given = (case for case in book.cases if not case.is_erased and not case.is_restricted)
    return _csv(COLUMNS, (coded(case) for case in given if case.received_on in span))


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


async def coded_export(
    engine: AsyncEngine, span: Span, working_time: WorkingTime, *, taken_by: Staff, at: datetime
) -> Response:
    """Every referral received in the span, as an attachment that nothing on the way keeps."""
    async with one_moment(engine).begin() as tx:
        content = await coded_csv(tx, span, working_time)
        await audit.write(tx, [Entry(Actor("staff", taken_by.id), "codes.exported", at, detail=span.code)])
    return _file(content, f"coded-export-{span.code}.csv")


def coded_dictionary() -> Response:
    """What each column and each code means. It tells of nobody, so that no line is written."""
    return _file(dictionary_csv(), "coded-export-dictionary.csv")


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, headers=headers, media_type="text/csv; charset=utf-8")
