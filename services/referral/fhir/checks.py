"""What a message asks of us, and whether we take it: event, reason, use case, sender. Every mistake at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.referral.fhir.envelope import BundleEntry, Envelope
from services.referral.fhir.issues import Issue
from services.referral.fhir.models import MessageHeader, Organization, ServiceRequest
from services.referral.fhir.names import (
    BARS_USE_CASES,
    CATEGORIES,
    ODS_SYSTEMS,
    OUR_DEFINITION,
    PIR_REFERRAL,
    REFERRAL,
    REQUEST,
    USE_CASE,
    WITHDRAWAL_REASONS,
    WITHDRAWN_BECAUSE,
)
from shared.events import WithdrawalReason

_DELETE: Final = "delete"


class Intent(StrEnum):
    NEW = "new"
    UPDATE = "update"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class FhirRequest:
    """What the message asks, as far as it can be told: `intent` is None when a mistake hides it."""

    intent: Intent | None
    request: BundleEntry[ServiceRequest] | None
    issues: tuple[Issue, ...]

    @property
    def withdrawn_because(self) -> str:
        """The code of ours that ServiceRequest.reasonCode names, else by the status; `delete` is sent in error."""
        if self.request is None:
            return WithdrawalReason.SENT_IN_ERROR.value
        named = (each.code_of(WITHDRAWAL_REASONS) for each in self.request.resource.reason_code)
        by_status = WITHDRAWN_BECAUSE.get(self.request.resource.status or "", WithdrawalReason.SENT_IN_ERROR)
        return next((code for code in named if code), by_status.value)


def asked_by(envelope: Envelope) -> FhirRequest:
    """Read the header and the request that it is about."""
    header, issues = envelope.first(MessageHeader), []
    if header is None:
        return FhirRequest(None, None, (Issue("required", "A MessageHeader is needed.", ("MessageHeader",)),))
    event = header.resource.event_coding
    if event is None or event.code is None:
        issues.append(Issue("required", f"The event is needed: {REQUEST}.", header.at("eventCoding")))
    elif event.code != REQUEST:  # of another kind of message nothing else is asked
        return FhirRequest(None, None, (Issue("not-supported", f"We take {REQUEST} alone.", header.at("eventCoding")),))
    request = _request(envelope, header)
    reason = header.resource.reason.code_of() if header.resource.reason else None
    if reason is None:
        issues.append(Issue("required", "The reason is needed: new, update or delete.", header.at("reason")))
    elif reason not in (Intent.NEW, Intent.UPDATE, _DELETE):
        issues.append(Issue("not-supported", "The reason is new, update or delete.", header.at("reason")))
    if request is None:
        words = "The focus of the message is a ServiceRequest of this Bundle."
        return FhirRequest(None, None, (*issues, Issue("required", words, header.at("focus"))))
    intent, about_status = _intent(request, reason)
    issues += about_status
    if intent is not Intent.WITHDRAW:
        issues += _use_case(header, request)
    return FhirRequest(intent, request, tuple(issues))


def _request(envelope: Envelope, header: BundleEntry[MessageHeader]) -> BundleEntry[ServiceRequest] | None:
    """That of the focus; the only one when there is no focus at all."""
    found = [each for pointer in header.resource.focus if (each := envelope.find(pointer, ServiceRequest))]
    if not found and not header.resource.focus:
        found = list(envelope.of(ServiceRequest))
    return found[0] if len(found) == 1 else None


def _intent(request: BundleEntry[ServiceRequest], reason: str | None) -> tuple[Intent | None, list[Issue]]:
    status = request.resource.status
    if reason == _DELETE or status in WITHDRAWN_BECAUSE:
        return Intent.WITHDRAW, []
    intent = Intent(reason) if reason in (Intent.NEW, Intent.UPDATE) else None
    if status == "active":
        return intent, []
    kind, words = "not-supported", "The status is active, revoked or entered-in-error."
    return intent, [Issue("required" if status is None else kind, words, request.at("status"))]


def _use_case(header: BundleEntry[MessageHeader], request: BundleEntry[ServiceRequest]) -> Iterator[Issue]:
    codings = [coding for concept in request.resource.category for coding in concept.coding]
    is_referral = any(each.system == CATEGORIES and each.code == REFERRAL for each in codings)
    is_ours = any(each.system in (USE_CASE, BARS_USE_CASES) and each.code == PIR_REFERRAL for each in codings)
    if not (is_referral and is_ours):
        words = f"We take referrals of one use case: {CATEGORIES}|{REFERRAL} and {USE_CASE}|{PIR_REFERRAL}."
        yield Issue("not-supported", words, request.at("category"))
    definition = header.resource.definition
    if definition is not None and definition.partition("|")[0] != OUR_DEFINITION:
        yield Issue("not-supported", f"Our MessageDefinition is {OUR_DEFINITION}.", header.at("definition"))


def sender_of(envelope: Envelope) -> tuple[str | None, list[Issue]]:
    """The ODS code of the organisation that the header names as sender, in capitals; or what is missing."""
    header = envelope.first(MessageHeader)
    if header is None:
        return None, []
    sender = envelope.find(header.resource.sender, Organization)
    if sender is None:
        return None, [Issue("required", "The sender is an Organization of this Bundle.", header.at("sender"))]
    for each in sender.resource.identifier:
        if each.system in ODS_SYSTEMS and each.value:
            return each.value.strip().upper(), []
    return None, [Issue("required", f"The sender has an ODS code ({ODS_SYSTEMS[0]}).", sender.at("identifier"))]
