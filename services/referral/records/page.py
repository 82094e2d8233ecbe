"""The page that a person reads who asked for their records: headed lists in plain words, with marks for a reviewer.

Nothing is left out because of a mark: a person reads every marked place and decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.referral.records.gathering import GatheredRecord, not_given
from services.referral.records.page_words import (
    DANGEROUS,
    EXEMPT,
    HAPPENED,
    THIRD_PARTY,
    WROTE,
    did,
    name_of,
    value_of,
    who,
)
from shared.events import LOSSES, RED_FLAGS, SAFETY_ROUTES, CareStatus, Kind, Safety
from shared.pages.times import clock
from shared.pages.wording import (
    AUDIENCES,
    LINKS,
    MESSAGE_CHANNELS,
    MESSAGES,
    WITHDRAWALS,
    route_name,
    state_name,
    tier_name,
    urgency_name,
    word_for,
)

Held = Mapping[str, Sequence[Mapping[str, Any]]]
Lines = list[tuple[str, str]]
_MODES: Final = {
    "auto_route": "It goes to a team",
    "human_review": "A person has to decide",
    "propose_decline": "There may be no place; a person has to decide",
}
_OF_AN_ENQUIRY: Final = ("kind", "source", "safety", "safety_words")
"""The facts that an enquiry can have: the others stand there as what nobody said."""


class Entry(NamedTuple):
    """One thing under a heading: what it is, lines of name and value, and what a reviewer has to know."""

    title: str
    lines: Lines
    marks: tuple[str, ...] = ()


class RecordSection(NamedTuple):
    """A heading with what stands under it; without entries it is left out."""

    heading: str
    entries: list[Entry]


def render(records: Sequence[GatheredRecord], *, at: datetime) -> str:
    """One HTML page, whole in itself, of all the records."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    chapters = [(record, sections(record)) for record in records]
    marked = sum(bool(entry.marks) for _, each in chapters for section in each for entry in section.entries)
    others = sorted({each for record in records for each in record.others})
    lost = any(not LOSSES.isdisjoint(row["facts"].get("circumstances", ())) for row in _referrals(records))
    page = environment.get_template("subject_access.html")
    return page.render(chapters=chapters, marked=marked, others=others, lost=lost, at=clock(at), omitted=not_given())


def _referrals(records: Iterable[GatheredRecord]) -> Iterator[Mapping[str, Any]]:
    return (row for record in records for row in record.services["referral"]["referral"])


def sections(record: GatheredRecord) -> list[RecordSection]:
    """Of one referral, in the order in which somebody asks: who, what was said, decided, done, told, looked at."""
    referral, triage = record.services["referral"], record.services["triage"]
    [row] = referral["referral"]
    document, answers = row["identity"].get("document") or {}, row["identity"].get("answers") or []
    names = {each["id"]: each["name"] for each in triage["colleague"]}
    items = {each["id"]: each for each in triage["work_item"]}
    marks = _marks_of(row["facts"], document, items.values())
    found = [
        RecordSection("Who it is about", _who(document, marks)),
        RecordSection(
            "Who asked for help, and what they wrote", [*_sent(row, document, marks), *_later(answers, marks)]
        ),
        RecordSection("What was decided, and why", _decisions(triage["decision"], names, marks)),
        RecordSection("What happened", [_happened(each) for each in referral["history"]]),
        RecordSection("Which teams were asked", [_item(each, names) for each in triage["work_item"]]),
        RecordSection("What staff wrote", [_written(each, names, items, marks) for each in triage["staff_text"]]),
        RecordSection("Messages", [_message(each, marks) for each in record.services["notify"]["message"]]),
        RecordSection("Other referrals of the family", _others(referral["kin"], triage["referral"])),
        RecordSection("Who looked, and who did what", _trail(record.services, names)),
        RecordSection("What our programs work with", [_coded(row, marks)]),
        RecordSection("What is counted", _counted(record.services["metrics"], marks)),
        RecordSection("Why it is kept", [_hold(each) for each in referral["hold"]]),
    ]
    return [section for section in found if section.entries]


def _marks_of(
    facts: Mapping[str, Any], document: Mapping[str, Any], items: Iterable[Mapping[str, Any]]
) -> tuple[str, ...]:
    """What every part of this record needs that somebody wrote, or that tells who and where: it is about a danger."""
    is_unsafe = bool(facts.get("safety")) or facts.get("mental_health") in RED_FLAGS
    is_unsafe |= facts.get("care_status", CareStatus.NONE) != CareStatus.NONE
    is_unsafe |= any(_tells_of_danger([each["route"]]) for each in items)
    is_hidden = bool((document.get("home") or {}).get("withheld"))
    is_violent = Safety.DOMESTIC_ABUSE in (facts.get("safety") or ())
    return ((EXEMPT,) if is_unsafe else ()) + ((DANGEROUS,) if is_hidden or is_violent else ())


def lines(members: Mapping[str, Any], *, without: Iterable[str] = ()) -> Lines:
    """Every member that says something, in words."""
    left = set(without)
    said = ((name_of(name), value_of(name, value)) for name, value in members.items() if name not in left)
    return [(name, value) for name, value in said if value]


def _who(document: Mapping[str, Any], marks: tuple[str, ...]) -> list[Entry]:
    where = tuple(mark for mark in marks if mark == DANGEROUS)
    babies = [Entry("Baby", lines(baby)) for baby in document.get("babies") or ()]
    carers = [Entry("Carer", lines(carer), (THIRD_PARTY, *where)) for carer in document.get("caregivers") or ()]
    home = document.get("home")
    return babies + carers + ([Entry("Home", lines(home), where)] if home else [])


def _sent(row: Mapping[str, Any], document: Mapping[str, Any], marks: tuple[str, ...]) -> list[Entry]:
    apart = ("referrer", "babies", "caregivers", "home", "safety", "notes", "consent", "concern", "external_reference")
    agency = {"agency": row["agency"], "their_reference": row["external_reference"], "received_at": row["received_at"]}
    found = [
        Entry("The agency", lines(agency)),
        Entry("The person who wrote", lines(document.get("referrer") or {}), (THIRD_PARTY,)),
        Entry("Their words", lines({"notes": document.get("notes")}), (THIRD_PARTY, *marks)),
        Entry("Consent", lines(document.get("consent") or {}), (THIRD_PARTY, *marks)),
        Entry("What they were worried about", lines(document.get("concern") or {}), marks),
        Entry("Worries about safety", lines({"safety": document.get("safety")}), marks),
        Entry("What else they said", lines(document, without=apart), marks),
    ]
    return [entry for entry in found if entry.lines]


def _later(answers: Iterable[Mapping[str, Any]], marks: tuple[str, ...]) -> list[Entry]:
    return [
        Entry(
            "Why they saw it differently" if each.get("of") == "challenge" else "What they wrote later",
            lines(each, without=("of",)),
            (THIRD_PARTY, *marks),
        )
        for each in answers
    ]


def _tells_of_danger(routes: Iterable[str | None]) -> tuple[str, ...]:
    return () if SAFETY_ROUTES.isdisjoint(routes) else (EXEMPT,)


def _decisions(rows: Iterable[Mapping[str, Any]], names: Mapping[str, str], marks: tuple[str, ...]) -> list[Entry]:
    entries = []
    for row in rows:
        decision = row["decision"]
        is_persons = row["decided_by"] == "person"
        said: Lines = [
            ("When", clock(row["decided_at"])),
            ("By", names.get(row["actor_id"], "a colleague") if is_persons else "the rules (a program)"),
            ("What they said", "" if is_persons else _MODES.get(decision["mode"], decision["mode"])),
            ("Kind of support", tier_name(decision["tier"])),
            ("How soon", urgency_name(decision["urgency"])),
            ("Who was asked", "; ".join(map(route_name, decision["routes"]))),
            *(("Reason", each["text"]) for each in decision["reasons"]),
            ("Numbers of the rules", ", ".join(decision["rules"])),
        ]
        title = "A proposal, not decided" if row["is_proposal"] else "A decision"
        theirs = (THIRD_PARTY,) if is_persons else ()
        entries.append(Entry(title, [each for each in said if each[1]], (*theirs, *marks)))
    return entries


def _happened(row: Mapping[str, Any]) -> Entry:
    detail = row["detail"] or ""
    about = word_for(WITHDRAWALS)(detail) if row["what"] == "withdrawn" else route_name(detail)
    words = HAPPENED.get(row["what"], row["what"]) + ("" if detail.isdigit() or not detail else f": {about}")
    return Entry(f"{clock(row['at'])}. {words}", [], _tells_of_danger([detail]))


def _item(row: Mapping[str, Any], names: Mapping[str, str]) -> Entry:
    people = [names[row[name]] for name in ("assignee", "held_before", "ended_by") if row[name] in names]
    said: Lines = [
        ("State", state_name(row["state"])),
        ("Kind of support", tier_name(row["tier"])),
        ("How soon", urgency_name(row["urgency"])),
        ("Asked on", clock(row["received_at"])),
        ("Due", clock(row["due_at"])),
        ("Looked at first", clock(row["opened_first_at"])),
        ("Accepted", clock(row["accepted_at"])),
        ("First contact", clock(row["first_contact_on"] or row["first_contact_at"])),
        ("Offered meanwhile", value_of("interim_offer", row["interim_offer"])),
        ("Ended", clock(row["ended_at"])),
        ("How it ended", value_of("end_reason", row["end_reason"])),
        ("Colleagues", ", ".join(dict.fromkeys(people))),
    ]
    marks = _tells_of_danger([row["route"]]) + ((THIRD_PARTY,) if people else ())
    return Entry(route_name(row["route"]), [each for each in said if each[1]], marks)


def _written(
    row: Mapping[str, Any],
    names: Mapping[str, str],
    items: Mapping[str, Mapping[str, Any]],
    marks: tuple[str, ...],
) -> Entry:
    route = items.get(row["work_item_id"], {}).get("route")
    said = [
        ("When", clock(row["at"])),
        ("By", names.get(row["author"], "a colleague")),
        ("Team", route_name(route)),
        ("Words", row["text"]),
    ]
    return Entry(word_for(WROTE)(row["kind"]), [each for each in said if each[1]], (THIRD_PARTY, *marks))


def _message(row: Mapping[str, Any], marks: tuple[str, ...]) -> Entry:
    said = [
        ("To", word_for(AUDIENCES)(row["audience"])),
        ("As", word_for(MESSAGE_CHANNELS)(row["channel"])),
        ("Written", clock(row["created_at"])),
        ("Sent", clock(row["sent_at"]) or f"not sent ({row['state']})"),
        ("Subject", row["subject"]),
        ("Words", row["body"]),
    ]
    return Entry(word_for(MESSAGES)(row["kind"]), [each for each in said if each[1]], marks)


def _others(kin: Iterable[Mapping[str, Any]], triage: Iterable[Mapping[str, Any]]) -> list[Entry]:
    pairs = {each["other"]: each["link"] for each in kin if each["other"]}
    pairs |= {each["reference"]: each["link"] for row in triage for each in row["linked"] or ()}
    return [
        Entry(reference, [("What it is", word_for(LINKS)(link) or "Another referral of the family")], (THIRD_PARTY,))
        for reference, link in sorted(pairs.items())
    ]


def _trail(services: Mapping[str, Held], names: Mapping[str, str]) -> list[Entry]:
    """Of all four services by time."""
    rows = sorted((row for held in services.values() for row in held["audit"]), key=lambda row: str(row["at"]))
    said = [
        (clock(row["at"]), f"{who(row['actor_kind'], row['actor_id'], names)} {did(row['action'], row['detail'])}")
        for row in rows
    ]
    return [Entry("Every entry", said, (THIRD_PARTY,))] if said else []


def _coded(row: Mapping[str, Any], marks: tuple[str, ...]) -> Entry:
    """The facts that the rules saw: made of what was sent."""
    facts = row["facts"]
    if facts.get("kind", Kind.FAMILY) != Kind.FAMILY:
        facts = {name: facts[name] for name in _OF_AN_ENQUIRY if name in facts}
    return Entry("What was made of the referral", lines({**facts, "missing": row["gaps"]}), marks)


def _counted(metrics: Held, marks: tuple[str, ...]) -> list[Entry]:
    found = [Entry("The referral, for figures without names", lines(row), marks) for row in metrics["referral"]]
    for row in metrics["work_item"]:
        said = lines(row, without=("route",))
        found.append(Entry(f"Work, for figures: {route_name(row['route'])}", said, _tells_of_danger([row["route"]])))
    return found


def _hold(row: Mapping[str, Any]) -> Entry:
    return Entry("A hold", lines(row), (EXEMPT, THIRD_PARTY))
