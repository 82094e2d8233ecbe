"""One dimension of the report: which categories are compared, and a row for each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from services.metrics.disclosure import Range
from services.metrics.equality import words
from services.metrics.equality.interval import known_total
from services.metrics.equality.words import Finding, find, nothing
from services.metrics.population import Denominator
from services.metrics.reports.model import ZERO, Access, Shown

Pair = tuple[Shown, Shown]
"""Received and accepted."""
TOTAL = "total"


@dataclass(frozen=True)
class Comparison:
    """The published counts of a dimension against the under-twos; `shut`: wards that were not open all the time.

    A category that the counts do not name had no referral. Shares are among the known categories that are compared:
    the under-twos have no "not known", and nobody there waits for a ward to open.
    """

    dimension: str
    counts: Mapping[str, Pair]
    denominator: Denominator | None
    names: Mapping[str, str]
    shut: Collection[str] = ()

    @cached_property
    def codes(self) -> list[str]:
        """As in the population file, then those it does not have, last those that are not compared."""
        under_twos = self.denominator.under_twos if self.denominator else {}
        listed = dict.fromkeys([*under_twos, *(code for code in self.counts if code != TOTAL)])
        return sorted(listed, key=lambda code: [*words.NOT_COMPARED].index(code) if code in words.NOT_COMPARED else -1)

    @cached_property
    def known(self) -> list[str]:
        return [code for code in self.codes if code not in words.NOT_COMPARED and code not in self.shut]

    @cached_property
    def under_twos(self) -> int:
        """Of the categories that are compared."""
        return sum(self.denominator.under_twos.get(code, 0) for code in self.known) if self.denominator else 0

    def pair(self, code: str) -> Pair:
        return self.counts.get(code, (ZERO, ZERO))

    @cached_property
    def _known_totals(self) -> tuple[Range, Range]:
        received, accepted = ({code: self.pair(code)[at] for code in self.codes} for at in (0, 1))
        totals = self.pair(TOTAL)
        return (
            known_total(received, totals[0], known=self.known),
            known_total(accepted, totals[1], known=self.known),
        )

    def findings(self, code: str) -> tuple[Finding, Finding]:
        """What can be said of a category's referrals, and of those that were accepted."""
        if (reason := self._reason_for_none(code)) or not self.denominator:
            return nothing(reason), nothing(reason)
        share = self.denominator.under_twos[code] / self.under_twos
        who = words.subject(self.dimension, code, self.name(code))
        shares = words.share_of(self.dimension)
        received, accepted = (
            find(shown, known=known, population_share=share, who=who, shares=shares, verb=verb)
            if total.value
            else nothing(words.NOTHING_TO_COMPARE)
            for shown, total, known, verb in zip(
                self.pair(code), self.pair(TOTAL), self._known_totals, ("are referred", "are accepted"), strict=True
            )
        )
        return received, accepted

    def _reason_for_none(self, code: str) -> str:
        if code in words.NOT_COMPARED:
            return words.NOT_COMPARED[code]
        if code in self.shut:
            return words.NOT_OPEN
        has_any = self.denominator and self.denominator.under_twos.get(code)
        return "" if has_any else words.NO_DENOMINATOR

    def name(self, code: str) -> str:
        return self.names.get(code, code)

    def rows(self) -> Iterator[tuple[Access, list[Finding]]]:
        """Each row, with its gaps."""
        for code in self.codes:
            received, accepted = self.findings(code)
            gaps = [finding for finding in (received, accepted) if finding.gap in ("fewer", "more")]
            if accepted.gap != "fewer" or received.gap == "fewer":
                gaps = [finding for finding in gaps if finding is not accepted]
            yield self._row(code, received, accepted, is_accepted_said=accepted in gaps), gaps

    def _row(self, code: str, received: Finding, accepted: Finding, *, is_accepted_said: bool) -> Access:
        population = self.denominator.under_twos.get(code) if self.denominator else None
        is_shared = population is not None and code in self.known and self.under_twos
        said = [received.words, accepted.words] if is_accepted_said else [received.words]
        return Access(
            code=code,
            name=self.name(code),
            received=self.pair(code)[0],
            accepted=self.pair(code)[1],
            population=population,
            population_share=percent(population / self.under_twos) if population is not None and is_shared else None,
            referred_share=None if received.share is None else percent(received.share),
            ratio=received.ratio,
            low=received.low,
            high=received.high,
            gap=received.gap,
            words=" ".join(f"{words.rstrip('.')}." for words in said),
            accepted_ratio=accepted.ratio,
            accepted_low=accepted.low,
            accepted_high=accepted.high,
        )


def percent(share: float) -> float:
    """Whole per cent, below 10 with one decimal: a ward of 1.4 % and one of 0.6 % are not the same."""
    return round(share * 100, 1) if share < 0.1 else float(round(share * 100))  # noqa: PLR2004  10 %
