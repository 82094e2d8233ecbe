"""Mistakes and hints as an OperationOutcome (UK Core) with the codes of BaRS; never what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from services.referral.fhir.issues import MOST_ISSUES, Issue
from services.referral.fhir.names import HTTP_ERRORS, OUTCOME_PROFILE, PROBLEMS
from shared.problems import CATALOGUE, Problem

Json = dict[str, Any]

BAD_REQUEST, UNPROCESSABLE = "REC_BAD_REQUEST", "REC_UNPROCESSABLE_ENTITY"
_OF_PROBLEM: Final[Mapping[str, tuple[str, str]]] = {
    "unreadable": ("structure", BAD_REQUEST),
    "idempotency-key-missing": ("required", BAD_REQUEST),
    "credentials-missing": ("security", "REC_UNAUTHORIZED"),
    "credentials-unknown": ("security", "REC_UNAUTHORIZED"),
    "forbidden": ("forbidden", "SEND_FORBIDDEN"),
    "not-found": ("not-found", "REC_NOT_FOUND"),
    "method-not-allowed": ("not-supported", "REC_METHOD_NOT_ALLOWED"),
    "not-acceptable": ("not-supported", "REC_NOT_ACCEPTABLE"),
    "too-slow": ("timeout", "REC_TIMEOUT"),
    "conflict": ("conflict", "REC_CONFLICT"),
    "ended": ("business-rule", "REC_CONFLICT"),
    "step-not-allowed": ("business-rule", "REC_CONFLICT"),
    "erased": ("deleted", "REC_NOT_FOUND"),
    "too-large": ("too-long", UNPROCESSABLE),
    "media-type": ("not-supported", BAD_REQUEST),
    "invalid": ("value", UNPROCESSABLE),
    "idempotency-key-reused": ("business-rule", UNPROCESSABLE),
    "too-many-requests": ("throttled", "SEND_TOO_MANY_REQUESTS"),
    "internal": ("exception", "REC_SERVER_ERROR"),
    "unavailable": ("transient", "REC_SERVICE_UNAVAILABLE"),
}
"""Problem → FHIR's issue type and the http-error-code. BaRS has none for 413 and 415."""

_WORDS: Final[Mapping[str, str]] = {
    "idempotency-key-missing": "An X-Request-Id header of 1 to 255 visible ASCII characters is needed.",
    "idempotency-key-reused": "This X-Request-Id was used with another message.",
    "media-type": "Only application/fhir+json in UTF-8, without a content encoding, is taken.",
    "credentials-missing": "Send Authorization: Bearer and the key of your agency.",
    "credentials-unknown": "This key is not known, or was revoked.",
}
_HEADERS: Final = {"idempotency-key-missing": "http.X-Request-Id", "media-type": "http.Content-Type"}


def outcome(issues: Sequence[Json]) -> Json:
    """The resource; it has one issue at least."""
    return {"resourceType": "OperationOutcome", "meta": {"profile": [OUTCOME_PROFILE]}, "issue": list(issues)}


def refused(problem: Problem, issues: Iterable[Issue] = ()) -> Json:
    """What `problem` says, with each of `issues` in place of its own words, and whom to ring in a danger."""
    kind, code = _OF_PROBLEM.get(problem.name, ("processing", UNPROCESSABLE))
    if problem.extra.get("is_duplicate"):
        kind = "duplicate"
    told = [_issue(each, code) for each in list(dict.fromkeys(issues))[:MOST_ISSUES]]
    if not told:
        words = _WORDS.get(problem.name) or problem.detail or CATALOGUE[problem.name][1]
        header = _HEADERS.get(problem.name)
        told = [_issue(Issue(kind, words, (), problem.name), code) | ({"location": [header]} if header else {})]
    return outcome([*told, *to_ring(problem.extra.get("act_now", ()))])


def to_ring(act_now: Iterable[str]) -> list[Json]:
    """Whom to ring now, yourself: an issue for each line."""
    return [hint(words, "act-now", severity="warning") for words in act_now]


def hint(words: str, code: str, expressions: Sequence[str] = (), *, severity: str = "information") -> Json:
    """Something to know that is no mistake."""
    said = {"severity": severity, "code": "informational", "details": _details(_ours(code)), "diagnostics": words}
    return said | ({"expression": list(expressions)} if expressions else {})


def _issue(issue: Issue, code: str) -> Json:
    codings = [{"system": HTTP_ERRORS, "code": code}, *([_ours(issue.problem)] if issue.problem else [])]
    said = {"severity": "error", "code": issue.kind, "details": _details(*codings), "diagnostics": issue.detail}
    return said | ({"expression": list(issue.expressions)} if issue.expressions else {})


def _details(*codings: Json) -> Json:
    return {"coding": list(codings)}


def _ours(code: str) -> Json:
    return {"system": PROBLEMS, "code": code}
