"""People of an agency with an identity provider of its own: believed for its addresses alone, ended ones stay out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from joserfc.jwk import ECKey

from deploy.local.identity_provider import Grant, IdentityProvider
from services.referral.front import members
from shared.audit import Actor
from tests.integration.front import MEMBER, Browser, FrontSite, front_site
from tests.integration.referral.test_member_sign_in import identities
from tests.integration.support import fetch
from tests.logout_tokens import a_logout_token

HERE: Final = "https://refer.example.org"
PEOPLE: Final = {"a-person": {"id": "p-1", "name": "Nia Vaughan"}}
NEW: Final = "nia.vaughan@trust.example.org"


class MailProvider(IdentityProvider):
    """One that says which address somebody has; tests change its name in its answers, and whether it promises one."""

    said: dict[str, Any]
    named: dict[str, str] | None = None
    promises_its_name = True

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | {"authorization_response_iss_parameter_supported": self.promises_its_name}

    def own_name(self) -> dict[str, str]:
        return super().own_name() if self.named is None else self.named

    def claims(self, grant: Grant) -> dict[str, Any]:
        return super().claims(grant) | self.said


@pytest.fixture
def provider() -> Iterator[MailProvider]:
    found = MailProvider(PEOPLE, "refer", "a secret", [f"{HERE}/refer/signed-in"])
    found.said = {"email": NEW, "email_verified": True}
    found.start()
    yield found
    found.stop()


@pytest.fixture
async def site(
    settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    provider: MailProvider,
) -> AsyncIterator[FrontSite]:
    told = {
        "name": "Your trust account",
        "metadata_url": f"{provider.url}/.well-known/openid-configuration",
        "client_id": "refer",
        "client_secret": "a secret",
        "domains": ["Trust.Example.org", "health-visiting.example.org"],
    }
    whole = settings | {"member_providers": {"health-visiting": told}, "PIR_FRONT_URL": HERE}
    async with front_site(whole, tmp_path, monkeypatch) as found:
        yield found


async def come(site: FrontSite, browser: Browser | None = None) -> tuple[Browser, httpx.Response]:
    """To the provider, one click there, and back."""
    browser = browser or await site.browser()
    await browser.open("/refer/sign-in?next=/refer/new")
    [there] = [link for link in browser.links if "/with/" in link]
    leaving = await browser.http.get(there)
    asked = dict(httpx.URL(leaving.headers["location"]).params)
    async with httpx.AsyncClient() as outside:
        url = str(httpx.URL(leaving.headers["location"]).copy_with(query=None))
        back = await outside.post(url, data=asked | {"role": "a-person"})
    return browser, await browser.open(back.headers["location"].removeprefix(HERE))


async def test_somebody_new_of_the_agencys_domain_becomes_a_member(site: FrontSite) -> None:
    browser, answer = await come(site)
    assert (answer.status_code, answer.url.path) == (200, "/refer/new")
    assert "Nia Vaughan, Health visiting" in browser.html
    await come(site)
    rows = await fetch(site.referral.engine, "SELECT actor_id, action FROM audit WHERE detail LIKE '%health-visiting%'")
    assert ("sign-in", "member.added") in [(row.actor_id, row.action) for row in rows]


async def test_who_is_a_member_already_stays_the_same_one(site: FrontSite, provider: MailProvider) -> None:
    provider.said = {"email": MEMBER.upper()}
    browser, _ = await come(site)
    assert MEMBER in browser.html


@pytest.mark.parametrize(
    "said",
    [
        {"email": "nia.vaughan@elsewhere.example.org"},
        {"email": NEW, "email_verified": False},
        {"email": ""},
        {"email": f"{NEW}@elsewhere.example.org"},
    ],
    ids=["another domain", "not verified", "none", "two"],
)
async def test_other_addresses_are_not_believed(site: FrontSite, provider: MailProvider, said: dict[str, Any]) -> None:
    provider.said = said
    browser, answer = await come(site)
    assert answer.status_code == 403
    assert (await browser.open("/refer")).url.path == "/refer/sign-in"


@pytest.mark.parametrize("is_promised", [True, False], ids=["promised", "not promised"])
@pytest.mark.parametrize("named", [{}, {"iss": "https://elsewhere.example"}, None], ids=["none", "another", "its own"])
async def test_an_answer_of_another_provider_is_refused_as_one_with_a_wrong_state(
    site: FrontSite, provider: MailProvider, named: dict[str, str] | None, is_promised: bool
) -> None:
    """RFC 9207: a name that is there must be the provider's, and one that its metadata promises must be there."""
    provider.named, provider.promises_its_name = named, is_promised
    browser, answer = await come(site)
    if named is None or (named == {} and not is_promised):
        assert (answer.status_code, answer.url.path) == (200, "/refer/new")
    else:
        assert (answer.status_code, browser.heading) == (400, "Please start to sign in again")


async def test_whom_a_keeper_has_ended_does_not_come_back_this_way(site: FrontSite) -> None:
    await come(site)
    async with site.referral.engine.begin() as tx:
        found = await members.by_email(tx, identities(site), NEW)
        assert found is not None
        assert found.added_at is not None
        by = Actor("member", "a-keeper")
        await members.end(tx, found.id, agency_id=found.agency.id, actor=by, at=found.added_at)
    _, answer = await come(site)
    assert answer.status_code == 403


async def test_a_code_for_another_browser_opens_nothing(site: FrontSite) -> None:
    browser = await site.browser()
    answer = await browser.open("/refer/signed-in?code=a&state=health-visiting.made-up")
    assert answer.status_code == 400
    assert (await browser.open("/refer/signed-in?code=a&state=nobody.x")).status_code == 400
    assert (await browser.open("/refer/sign-in/with/nursery")).status_code == 404


async def ends(site: FrontSite, token: str, slug: str = "health-visiting") -> int:
    """The status of the provider's request."""
    answer = await site.referral.http.post(f"/refer/back-channel-logout/{slug}", data={"logout_token": token})
    return answer.status_code


async def is_in(browser: Browser) -> bool:
    return (await browser.open("/refer")).url.path == "/refer"


async def test_the_provider_ends_one_session_there_or_all_of_somebody_and_no_others(
    site: FrontSite, provider: MailProvider
) -> None:
    provider.said |= {"sid": "one"}
    first, _ = await come(site)
    provider.said |= {"sid": "two"}
    second, _ = await come(site)
    by_code = await site.signed_in(MEMBER)

    # One session of hers
    token = a_logout_token(provider, sid="one")
    assert await ends(site, token) == 200
    assert [await is_in(each) for each in (first, second, by_code)] == [False, True, True]

    # A token that was used, is of nobody's session, of another key or for another agency ends nothing
    assert await ends(site, token) == 400
    assert await ends(site, a_logout_token(provider, sub="p-2")) == 200
    assert await ends(site, a_logout_token(provider, sub="p-1", key=ECKey.generate_key("P-256"))) == 400
    assert await ends(site, a_logout_token(provider, sub="p-1"), "social-care") == 404
    assert [await is_in(each) for each in (second, by_code)] == [True, True]

    # All of hers
    assert await ends(site, a_logout_token(provider, sub="p-1")) == 200
    assert [await is_in(each) for each in (second, by_code)] == [False, True]
    rows = await fetch(site.referral.engine, "SELECT actor_id FROM audit WHERE action = 'member.sessions-ended'")
    assert [row.actor_id for row in rows] == ["identity-provider"] * 2
