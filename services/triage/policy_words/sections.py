"""A policy as people read it: every member as a line in words, under its heading; and what differs between two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, time
from typing import Final, NamedTuple

from services.triage.policy_words.labels import LABELS, SECTIONS, SHARES, amount
from shared.pages.wording import route_name
from shared.policy import Policy

NOT_SIGNED_OFF: Final = "not signed off"
NOT_PLANNED: Final = "no date yet"
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


class Line(NamedTuple):
    """One member: `key` finds the same member in another version, `label` says what it is, `value` how it is set."""

    key: str
    label: str
    value: str


class Section(NamedTuple):
    """`part` is the part of the file, empty for what stands at its top."""

    part: str
    title: str
    lines: tuple[Line, ...]


class Difference(NamedTuple):
    """None: the member is not there, before or after."""

    section: str
    label: str
    before: str | None
    after: str | None


def sections(policy: Policy) -> tuple[Section, ...]:
    """The whole policy; a part that it does not have is left out."""
    found = (Section(part, title, tuple(_numbered(_lines(policy, part)))) for part, title in SECTIONS.items())
    return tuple(section for section in found if section.lines)


def differences(before: Policy, after: Policy) -> tuple[Difference, ...]:
    """Member by member, in the order of the headings: changed and new ones, then those that went."""
    found = []
    for part, title in SECTIONS.items():
        old = {line.key: line for line in _numbered(_lines(before, part))}
        new = {line.key: line for line in _numbered(_lines(after, part))}
        for key, line in new.items():
            if old.get(key) != line:
                found.append(Difference(title, line.label, _before(old.get(key), line), line.value))
        found += [Difference(title, line.label, line.value, None) for key, line in old.items() if key not in new]
    return tuple(found)


def _before(was: Line | None, line: Line) -> str | None:
    """How it was set; with its name too, when that was another one (a ward's)."""
    if was is None or was.label == line.label:
        return was.value if was else None
    return f"{was.label}: {was.value}"


def short_day(day: date) -> str:
    """`1 September 2022`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _lines(policy: Policy, part: str) -> Iterator[Line]:
    lists = {
        "wards": _wards,
        "ring": _numbers,
        "capacity": _places,
        "signposts": _signposts,
        "words": _safety_words,
        "need_shares": _shares,
        "targets": _targets,
    }
    return lists[part](policy) if part in lists else _members(policy, part)


def _members(policy: Policy, part: str) -> Iterator[Line]:
    """Those of LABELS in this part; what is not set says so."""
    held = getattr(policy, part) if part else policy
    if held is None:
        return
    for place, label in LABELS.items():
        within, _, member = place.rpartition(".")
        if within == part:
            value = getattr(held, member)
            words = _said(value, label.unit)
            yield Line(place, label.words, words or (NOT_SIGNED_OFF if member == "signed_off_by" else "not set"))


def _said(value: object, unit: str) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return short_day(value) if isinstance(value, date) else amount(value, unit)


def _wards(policy: Policy) -> Iterator[Line]:
    """Those that open first stand first; those without a date at the end."""
    for ward in sorted(policy.wards, key=lambda ward: (ward.opens_on is None, ward.opens_on or date.min, ward.name)):
        opens = f"from {short_day(ward.opens_on)}" if ward.opens_on else NOT_PLANNED
        yield Line(f"wards.{ward.code}", f"{ward.name} ({ward.code})", opens)


def _numbers(policy: Policy) -> Iterator[Line]:
    """With their place: the first is the emergency number."""
    for place, ring in enumerate(policy.ring, 1):
        yield Line(f"ring.{ring.who}", ring.who, f"{place}. {ring.phone} – {ring.when}")


def _places(policy: Policy) -> Iterator[Line]:
    for places in policy.capacity:
        counts = f"{amount(places.individual, 'individual places')}, {amount(places.group, 'places')} in groups"
        offer = f"; meanwhile {places.interim_offer}" if places.interim_offer else "; nothing is offered meanwhile"
        yield Line(f"capacity.{places.route}", route_name(places.route), counts + offer)


def _signposts(policy: Policy) -> Iterator[Line]:
    for route, words in policy.signposts.items():
        yield Line(f"signposts.{route}", route_name(route), words)


def _safety_words(policy: Policy) -> Iterator[Line]:
    for word in policy.words.safety:
        yield Line(f"words.{word}", "Safety word", word)


def _shares(policy: Policy) -> Iterator[Line]:
    for name, share in policy.need_shares.items():
        percent = f"{share * 100:.2f}".rstrip("0").rstrip(".")
        yield Line(f"need_shares.{name}", SHARES.get(name, name), f"{percent}% of children under two")


def _targets(policy: Policy) -> Iterator[Line]:
    if policy.contract is None:
        return
    for code, share in policy.contract.targets.items():
        yield Line(f"targets.{code}", code.replace("_", " ").capitalize(), f"{share * 100:g}% or more")
    for code in policy.contract.paid:
        yield Line(f"paid.{code}", code.replace("_", " ").capitalize(), "payment hangs on it")


def _numbered(lines: Iterator[Line]) -> Iterator[Line]:
    """A key that comes again gets a number, so that two numbers of one service are both seen."""
    seen: Counter[str] = Counter()
    for line in lines:
        seen[line.key] += 1
        yield line if seen[line.key] == 1 else line._replace(key=f"{line.key} {seen[line.key]}")
