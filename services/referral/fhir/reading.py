"""From a bundle to the document of `POST /referrals`, or to the change of one: pure, and it never raises.

What FHIR has an element for is read from there, all else from answers to our questions. Nothing is guessed: a value
that the document would refuse is passed on as it is, and its refusal says where in the bundle it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from services.referral.document.checks import is_urgent
from services.referral.fhir import persons
from services.referral.fhir.collecting import Collected
from services.referral.fhir.envelope import BundleEntry, Envelope
from services.referral.fhir.family import read_family
from services.referral.fhir.issues import Issue, Places
from services.referral.fhir.models import ContactPoint, Practitioner, PractitionerRole, ServiceRequest
from services.referral.fhir.names import REFERENCE
from services.referral.fhir.notes import read_notes, with_lines, with_loss
from services.referral.fhir.statements import (
    read_answers,
    read_consent,
    read_flags,
    refuse_undated_yes,
    refuse_withdrawn_yes,
)
from shared.events import Consent

HOME: tuple[str, ...] = ("postcode", "address_lines", "no_fixed_abode", "withheld")
CONSENT: tuple[str, ...] = ("status", "given_by", "recorded_at")


@dataclass(frozen=True)
class Reading:
    """`told` is what the bundle says, member by member; it becomes a document or a change of one.

    `is_urgent` and `document` are worked out once, however many mistakes ask for them.
    """

    told: Mapping[str, Any]
    places: Places
    issues: tuple[Issue, ...]
    lines: tuple[str, ...]
    unread: tuple[int, ...]
    names_loss: bool
    has_consent: bool

    @cached_property
    def is_urgent(self) -> bool:
        """Whether it tells of a danger (document/checks.py)."""
        return is_urgent(self.told)

    @cached_property
    def document(self) -> dict[str, Any]:
        """As a new referral. A Consent that says neither yes nor no to this referral is `not_sought`."""
        document = {name: value for name, value in self.told.items() if value is not None}
        if notes := with_lines(document.get("notes"), self.lines, is_urgent=self.is_urgent):
            document["notes"] = notes
        if self.names_loss:
            document["circumstances"] = with_loss(document.get("circumstances"))
        if self.has_consent and "status" not in document.get("consent", {}):
            document["consent"] = document.get("consent", {}) | {"status": Consent.NOT_SOUGHT.value}
        return document

    def change_of(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """As a merge patch of the stored document: what the bundle does not speak of stays.

        An address and a consent are one statement each: the parts that are not said any more go. Implied consent
        says nothing new. Words of other resources are added to the notes, unless the notes themselves come anew.
        """
        change = dict(self.told)
        change.pop("external_reference", None)
        if "home" in change:
            change["home"] = dict.fromkeys(HOME) | change["home"]
        if "status" in change.get("consent", {}):
            change["consent"] = dict.fromkeys(CONSENT) | change["consent"]
        if self.lines:
            notes = change.get("notes", stored.get("notes"))
            change["notes"] = with_lines(notes, self.lines, is_urgent=self.is_urgent)
        if self.names_loss:
            change["circumstances"] = with_loss(change.get("circumstances", stored.get("circumstances")))
        return change


def read_bundle(
    envelope: Envelope,
    *,
    request: BundleEntry[ServiceRequest] | None,
    today: date,
    is_update: bool = False,
) -> Reading:
    """Everything that the bundle says, on the day `today` (Europe/London).

    `request` is the one that the message is about: another, as the one that it is based on, says nothing.
    """
    told = Collected()
    read_family(envelope, told, today)
    has_consent = read_consent(envelope, told)
    read_answers(envelope, told, is_update=is_update)
    refuse_undated_yes(told)
    if is_update:
        refuse_withdrawn_yes(envelope, told)
    read_flags(envelope, told)
    read_notes(envelope, told, request)
    _read_request(told, request)
    _read_referrer(envelope, told, request)
    return Reading(
        told.document,
        told.places,
        tuple(told.issues),
        tuple(told.lines),
        tuple(told.unread),
        told.names_loss,
        has_consent,
    )


def _read_request(told: Collected, request: BundleEntry[ServiceRequest] | None) -> None:
    if request is None:
        return
    for number, each in enumerate(request.resource.identifier):
        if each.value is not None and each.system != REFERENCE:
            told.put("/external_reference", each.value, request.at("identifier", number, "value"))
            break
    if request.resource.language is not None:
        told.put("/written_in", request.resource.language, request.at("language"))


def _read_referrer(envelope: Envelope, told: Collected, request: BundleEntry[ServiceRequest] | None) -> None:
    """Who writes: the requester of the ServiceRequest, else the only practitioner there is."""
    role, practitioner = _who_writes(envelope, request)
    place = persons.official(practitioner.resource.name) if practitioner else None
    if practitioner and place is not None and (name := persons.name_of(practitioner.resource.name[place])):
        told.put("/referrer/name", name, practitioner.at("name", place))
    for number, concept in enumerate(role.resource.code if role else ()):
        if concept.words and role:
            told.put("/referrer/role", concept.words, role.at("code", number))
            break
    for member, systems in (("email", {"email"}), ("phone", persons.PHONES)):
        for entry in (role, practitioner):
            telecom: tuple[ContactPoint, ...] = entry.resource.telecom if entry else ()
            if entry and (places := persons.reached_by(systems, telecom)):
                told.put(f"/referrer/{member}", telecom[places[0]].value, entry.at("telecom", places[0], "value"))
                break


def _who_writes(
    envelope: Envelope, request: BundleEntry[ServiceRequest] | None
) -> tuple[BundleEntry[PractitionerRole] | None, BundleEntry[Practitioner] | None]:
    requester = request.resource.requester if request else None
    roles, practitioners = list(envelope.of(PractitionerRole)), list(envelope.of(Practitioner))
    role = envelope.find(requester, PractitionerRole)
    practitioner = envelope.find(requester, Practitioner)
    if role is None and practitioner is None:
        role = roles[0] if len(roles) == 1 else None
        practitioner = practitioners[0] if role is None and len(practitioners) == 1 else None
    if role and practitioner is None:
        practitioner = envelope.find(role.resource.practitioner, Practitioner)
    if practitioner and role is None:
        found = [each for each in roles if envelope.find(each.resource.practitioner, Practitioner) == practitioner]
        role = found[0] if found else None
    return role, practitioner
