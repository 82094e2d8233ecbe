"""Agencies whose people sign in with their own work account (NHS CIS2, Entra), by OpenID Connect.

PIR_MEMBER_PROVIDERS = {"health-visiting": {"name": "Trust account", "metadata_url": "https://…",
"client_id": "…", "client_secret": "…", "domains": ["trust.nhs.uk"]}}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.referral.settings import MemberProvider, Settings

if TYPE_CHECKING:
    from shared.sign_in.provider import Provider


@dataclass(frozen=True, slots=True)
class AgencyProvider:
    """One agency's provider. `domains` are those of the addresses that it may vouch for, in small letters."""

    slug: str
    name: str
    domains: frozenset[str]
    provider: Provider

    def vouches_for(self, address: str) -> bool:
        return address.rpartition("@")[2] in self.domains


def providers_of(settings: Settings) -> dict[str, AgencyProvider]:
    """By the agency's slug; empty where none is set up. Raises ValueError for a key that is none."""
    return {slug: _provider(slug, told) for slug, told in settings.member_providers.items()}


def _provider(slug: str, told: MemberProvider) -> AgencyProvider:
    from shared.sign_in.client import Client  # noqa: PLC0415  10 MB that most installations do not need
    from shared.sign_in.provider import Provider, Strength  # noqa: PLC0415  likewise
    from shared.sign_in.wire import Wire  # noqa: PLC0415  likewise

    if told.client_key_file is None:
        client = Client(told.client_id, told.scopes, told.client_secret.get_secret_value())
    else:
        client = Client.with_key(told.client_id, told.scopes, told.client_key_file.read_text(encoding="utf-8"))
    domains = frozenset(domain.lower() for domain in told.domains)
    provider = Provider(Wire(told.metadata_url), client, Strength(tuple(told.acr.split()), told.max_age))
    return AgencyProvider(slug, told.name, domains, provider)
