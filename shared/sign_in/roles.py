"""From what an identity provider says about a person to a person with one role of ours."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.access import Role, Staff
from shared.sign_in.refusals import Refusal, RefusedError

OURS: Final = {role.value: role for role in Role}
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class RoleBook:
    """Where a provider keeps roles, and what its values mean.

    `claim` is the claim with them: text, a list of texts, or a list of objects, of which `fields` are joined by a
    space (CIS2: organisation and role code). A claim within another is `outer.inner`. `roles` maps a value to one of
    our roles; empty, the values are our own codes.
    """

    claim: str = "roles"
    fields: tuple[str, ...] = ()
    roles: Mapping[str, Role] = field(default_factory=dict)

    @classmethod
    def of(cls, *, claim: str, fields: str, roles: Mapping[str, str]) -> RoleBook:
        """From settings; raises ValueError when a role is none of ours."""
        return cls(claim, tuple(fields.split()), {value: Role(role) for value, role in roles.items()})

    def has_roles(self, claims: Mapping[str, Any]) -> bool:
        return self._claim(claims) is not None

    def person(self, claims: Mapping[str, Any]) -> Staff:
        """Who it is; raises RefusedError without exactly one role. Several values may mean the same role."""
        known = self.roles or OURS
        found = {known[value] for value in self._values(self._claim(claims)) if value in known}
        if len(found) != 1:
            raise RefusedError(Refusal.SEVERAL_ROLES if found else Refusal.NO_ROLE)
        return Staff(str(claims["sub"]), name_of(claims), found.pop())

    def _claim(self, claims: Mapping[str, Any]) -> Any:
        if self.claim in claims:  # a name may hold dots itself: "https://example.org/roles"
            return claims[self.claim]
        found: Any = claims
        for part in self.claim.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def _values(self, found: Any) -> Iterator[str]:
        for each in found if isinstance(found, list) else [found]:
            if isinstance(each, Mapping) and self.fields:
                yield " ".join(str(each.get(name, "")) for name in self.fields)
            elif isinstance(each, str) and not self.fields:
                yield each


def name_of(claims: Mapping[str, Any]) -> str:
    """The name that colleagues see: on one line, at most 100 characters; the id when the provider sends no name."""
    names = [claims.get("name"), f"{claims.get('given_name') or ''} {claims.get('family_name') or ''}"]
    for name in [*names, claims.get("preferred_username"), claims["sub"]]:
        shown = "".join(letter if unicodedata.category(letter)[0] != "C" else " " for letter in str(name or ""))
        if shown.strip():
            return " ".join(shown.split())[:LONGEST_NAME]
    raise RefusedError(Refusal.NOT_BELIEVED)
