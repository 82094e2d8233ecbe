"""Who may do what: staff, their roles, and one table of permissions for pages and API alike.

In development staff tokens come from the credentials file and stand for named people; elsewhere a token is a JWT of
the council's identity provider, checked against its public keys (JWKS), issuer, audience and expiry.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

from fastapi import APIRouter, Depends, Header, Request

from shared.problems import Problem
from shared.settings import Settings
from shared.web import bearer_token

if TYPE_CHECKING:
    from shared.sign_in.public_keys import PublicKeys


class Role(StrEnum):
    WORKER = "triage-worker"
    LEAD = "triage-lead"
    MANAGER = "manager"
    COMMISSIONER = "commissioner"
    OPERATIONS = "operations"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a route asks for. The table below is the one in the contract, row by row."""

    PREVIEW = "preview"
    READ_QUEUES = "read_queues"
    WORK_ITEMS = "work_items"
    SEE_IDENTITY = "see_identity"
    LEAD = "lead"
    CONFIRM_DECLINE = "confirm_decline"
    REPLAY_POLICY = "replay_policy"
    READ_CAPACITY = "read_capacity"
    SET_CAPACITY = "set_capacity"
    READ_POLICY = "read_policy"
    DRAFT_POLICY = "draft_policy"
    READ_REPORTS = "read_reports"
    EXPORT_CODED = "export_coded"
    READ_PARKED = "read_parked"
    RESOLVE_PARKED = "resolve_parked"
    READ_AUDIT = "read_audit"


_WORKERS: Final = frozenset({Role.WORKER, Role.LEAD})
_TRIAGE: Final = _WORKERS | {Role.MANAGER}

PERMISSIONS: Final[dict[Permission, frozenset[Role]]] = {
    Permission.PREVIEW: _TRIAGE,
    Permission.READ_QUEUES: _TRIAGE,
    Permission.WORK_ITEMS: _WORKERS,
    Permission.SEE_IDENTITY: _WORKERS,
    Permission.LEAD: frozenset({Role.LEAD}),
    Permission.CONFIRM_DECLINE: frozenset({Role.LEAD}),
    Permission.REPLAY_POLICY: frozenset({Role.LEAD, Role.MANAGER}),
    Permission.READ_CAPACITY: _TRIAGE,
    Permission.SET_CAPACITY: frozenset({Role.LEAD, Role.MANAGER}),
    Permission.READ_POLICY: _TRIAGE,
    Permission.DRAFT_POLICY: frozenset({Role.MANAGER}),
    Permission.READ_REPORTS: frozenset({Role.LEAD, Role.MANAGER, Role.COMMISSIONER, Role.AUDITOR}),
    Permission.EXPORT_CODED: frozenset({Role.MANAGER}),
    Permission.READ_PARKED: frozenset({Role.OPERATIONS, Role.AUDITOR}),
    Permission.RESOLVE_PARKED: frozenset({Role.OPERATIONS}),
    Permission.READ_AUDIT: frozenset({Role.WORKER, Role.LEAD, Role.MANAGER, Role.AUDITOR}),
}


@dataclass(frozen=True, slots=True)
class Staff:
    """A person who signed in: `id` goes into audit rows, `name` is shown to colleagues."""

    id: str
    name: str
    role: Role

    def may(self, permission: Permission) -> bool:
        return self.role in PERMISSIONS[permission]


class StaffDirectory(Protocol):
    def find(self, token: str) -> Staff | None:
        """The person behind a bearer token, or None."""


class DevelopmentStaff:
    """The named people of the credentials file; its tokens do not expire and exist in development only."""

    def __init__(self, file: Path) -> None:
        people = json.loads(file.read_text(encoding="utf-8"))["staff"]
        self._people = {
            _digest(person["token"]): Staff(person["id"], person["name"], Role(role)) for role, person in people.items()
        }

    def find(self, token: str) -> Staff | None:
        return self._people.get(_digest(token))


_ALGORITHMS: Final = ["RS256", "ES256"]
_TYPES: Final = (None, "jwt", "at+jwt", "application/at+jwt")
"""Of an access token (RFC 9068, 2.1); many providers say `JWT`, or nothing."""
LONGEST_SECONDS: Final = 24 * 3600
"""A token can't be taken back, so one that is good for longer is not believed; providers give an hour."""


class SignedStaff:
    """Staff with a JWT of the identity provider: RS256 or ES256, claims `sub`, `name` and one known role in `roles`.

    Not a token that was made for another purpose: an ID token (it has a `nonce`) or a logout token (by its `typ`).
    """

    def __init__(self, keys: PublicKeys, *, issuer: str, audience: str) -> None:
        from joserfc import jwt  # noqa: PLC0415  0.1 s and 3 MB that development does not need
        from joserfc.errors import InvalidKeyIdError, JoseError  # noqa: PLC0415  likewise

        self._decode, self._error, self._unknown = jwt.decode, JoseError, InvalidKeyIdError
        self._keys = keys
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def find(self, token: str) -> Staff | None:
        try:
            claims = self._checked(token)
            self._claims.validate(claims)
            if "nonce" in claims or claims["exp"] > time.time() + LONGEST_SECONDS:
                return None
            roles = [Role(role) for role in claims.get("roles", []) if role in set(Role)]
        except (self._error, ValueError, TypeError):
            return None
        return Staff(str(claims["sub"]), str(claims.get("name", claims["sub"])), roles[0]) if len(roles) == 1 else None

    def _checked(self, token: str) -> dict[str, Any]:
        """Its claims, when one of the keys signed it and it is an access token; raises ValueError when it is not."""
        try:
            signed = self._decode(token, self._keys.known(), algorithms=_ALGORITHMS)
        except self._unknown:  # the provider has changed its keys
            signed = self._decode(token, self._keys.known(is_one_unknown=True), algorithms=_ALGORITHMS)
        kind = signed.header.get("typ")
        if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
            raise ValueError("typ")
        return dict(signed.claims)


class NoStaff:
    """A deployment without an identity provider yet: nobody gets in."""

    def find(self, token: str) -> Staff | None:  # noqa: ARG002  the shape of a directory
        return None


def staff_directory(settings: Settings) -> StaffDirectory:
    """Development people, the identity provider's, or nobody."""
    if settings.is_development and settings.credentials_file:
        return DevelopmentStaff(settings.credentials_file)
    source: Path | str | None = settings.staff_jwks_url or settings.staff_jwks_file
    if not source:
        return NoStaff()
    from shared.sign_in.public_keys import PublicKeys  # noqa: PLC0415  joserfc, as above

    return SignedStaff(PublicKeys(source), issuer=settings.staff_issuer, audience=settings.staff_audience)


def may(permission: Permission) -> Callable[[Request], Staff]:
    """A dependency: the signed-in person, when their role has this permission; else Problem 401 or 403."""

    def check(request: Request) -> Staff:
        staff: Staff | None = request.app.state.staff.find(bearer_token(request))
        if staff is None:
            raise Problem("credentials-unknown", "This token is not known or has expired")
        if not staff.may(permission):
            raise Problem("forbidden", f"The role {staff.role.value} may not do this")
        return staff

    vars(check)["permission"] = permission  # the access matrix test reads it
    return check


ActingPerson = Annotated[str, Header(min_length=1, max_length=100)]
"""Of an internal call: which person the other service acts for. The parameter has to be called `x_pir_actor`."""


def internal_router(*tokens: str, below: str = "") -> APIRouter:
    """For calls of our own services, at `/internal` and what is `below` it.

    `tokens`: of those services that may make these calls; without one of them Problem 401.
    """

    async def known_service(request: Request) -> None:  # before anything is said about the rest of the request
        shown = bearer_token(request).encode()
        if not any(hmac.compare_digest(shown, token.encode()) for token in tokens):
            raise Problem("credentials-unknown")

    return APIRouter(prefix=f"/internal{below}", tags=["internal"], dependencies=[Depends(known_service)])


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
