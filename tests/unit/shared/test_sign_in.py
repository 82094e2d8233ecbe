"""Signing in without a provider or a database: addresses, cookies, roles, forms, and who may look at a page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from fastapi import Depends, FastAPI, Request
from hypothesis import example, given
from hypothesis import strategies as st
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from shared import problems
from shared.access import Permission, Role, Staff
from shared.settings import Settings
from shared.sign_in import Visitor, any_visitor, read_form, visitor
from shared.sign_in.addresses import local_page
from shared.sign_in.client import Client
from shared.sign_in.cookies import HANDSHAKE, SESSION, give, is_token, take
from shared.sign_in.handshakes import LASTS, Handshake, seal, unseal
from shared.sign_in.refusals import WORDS, Refusal, RefusedError
from shared.sign_in.roles import LONGEST_NAME, RoleBook, name_of

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
HOST = "pages.example.org"
TESS = Visitor(Staff("tess", "Tess Whitlock", Role.WORKER), "the-token-of-tess", b"tess")

# Where to go afterwards.


@pytest.mark.parametrize(
    "address",
    ["/staff", "/staff/", "/staff/queues/pir_short", "/staff/queues/pir_short?view=mine&limit=50", "/staff/find?q=4K7"],
)
def test_after_signing_in_people_come_to_the_page_they_wanted(address: str) -> None:
    assert local_page(address) == address


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "https://elsewhere.example",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "/staff//elsewhere.example",
        "/staff\\..\\elsewhere",
        "/staff/%5celsewhere",
        "/staff/%2f%2felsewhere",
        "/staff/../docs",
        "/staff/%2e%2e/docs",
        "/staffroom",
        "/docs",
        "/staff\r\nSet-Cookie: a=b",
        "/staff\t",
        "/staff#there",
        " /staff",
        "javascript:alert(1)",
        "/staff/queues?" + "a" * 500,
        "/staff/sign-in",
        "/staff/sign-in?next=/staff/sign-in",
        "/staff/sign-in/start",
        "/staff/sign-out/",
        "/staff/signed-in?code=a",
    ],
)
def test_another_address_leads_to_the_start_page(address: str | None) -> None:
    assert local_page(address) == "/staff"


@given(st.text(max_size=40) | st.text(alphabet="/\\.:@%staf2eE5cC?#;\t\n ", max_size=40).map("/staff".__add__))
@example("/staff/%2e%2e//elsewhere.example")
def test_no_address_leads_away_from_the_pages(address: str) -> None:
    there = urlsplit(urljoin(f"https://{HOST}/staff/sign-in", local_page(address)))
    assert (there.scheme, there.netloc, there.fragment) == ("https", HOST, "")
    assert there.path == "/staff" or there.path.startswith("/staff/")


# Cookies.


def test_the_session_cookie_is_for_this_host_over_tls_only_and_no_script_sees_it() -> None:
    response = Response()
    give(response, SESSION, "secret")
    name_and_value, *attributes = response.headers["set-cookie"].split("; ")
    assert name_and_value == "__Host-pir-session=secret"
    assert {each.lower() for each in attributes} == {"httponly", "path=/", "samesite=lax", "secure"}


def test_taking_a_cookie_back_ends_it_at_once() -> None:
    response = Response()
    take(response, HANDSHAKE)
    cookie = response.headers["set-cookie"].lower()
    assert cookie.startswith('__host-pir-sign-in=""')
    assert {"max-age=0", "secure", "path=/", "httponly"} <= set(cookie.split("; "))


@pytest.mark.parametrize("text", ["", "short", "a" * 42, "a" * 44, "a" * 42 + "!", "a" * 42 + "\n", "ä" * 43])
def test_what_can_be_no_token_is_not_looked_up(text: str) -> None:
    assert not is_token(text)


# The way to the provider and back.


def a_handshake(**changes: Any) -> Handshake:
    whole: dict[str, Any] = {"state": "s", "nonce": "n", "verifier": "v", "page": "/staff"}
    return Handshake(**whole | {"until": int((NOW + LASTS).timestamp())} | changes)


def test_a_handshake_comes_back_as_it_went() -> None:
    assert unseal(seal(a_handshake(), "secret"), "secret", at=NOW) == a_handshake()


def test_a_handshake_lasts_ten_minutes() -> None:
    sealed = seal(a_handshake(), "secret")
    assert unseal(sealed, "secret", at=NOW + timedelta(minutes=9, seconds=59)) is not None
    assert unseal(sealed, "secret", at=NOW + timedelta(minutes=10)) is None


def test_a_handshake_sealed_by_somebody_else_is_none() -> None:
    assert unseal(seal(a_handshake(), "another secret"), "secret", at=NOW) is None


@given(st.text(max_size=60))
def test_text_that_nobody_sealed_is_no_handshake(text: str) -> None:
    assert unseal(text, "secret", at=NOW) is None


def test_only_the_public_half_of_our_key_is_shown() -> None:
    key = RSAKey.generate_key(2048)
    [shown] = Client.with_key("pages", "openid", key.as_pem(private=True).decode()).public_keys()["keys"]
    assert set(shown) == {"kty", "n", "e", "kid", "use"}
    assert Client("pages", "openid", "secret").public_keys() == {"keys": []}


# Roles.


def refused(book: RoleBook, **claims: Any) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        book.person({"sub": "tess", "name": "Tess", **claims})
    return caught.value.refusal


def test_our_own_codes_need_no_translation() -> None:
    person = RoleBook().person({"sub": "tess", "name": "Tess Whitlock", "roles": ["triage-worker"]})
    assert person == Staff("tess", "Tess Whitlock", Role.WORKER)


@pytest.mark.parametrize("roles", [None, [], ["janitor"], "", 7, {"triage-worker": True}, [None, ["triage-worker"]]])
def test_somebody_without_a_role_of_ours_is_refused(roles: Any) -> None:
    assert refused(RoleBook(), roles=roles) is Refusal.NO_ROLE


def test_somebody_with_two_roles_is_refused() -> None:
    assert refused(RoleBook(), roles=["manager", "auditor"]) is Refusal.SEVERAL_ROLES


def test_roles_of_other_services_do_not_count() -> None:
    assert RoleBook().person({"sub": "m", "roles": ["payroll", "manager"]}).role is Role.MANAGER


def test_a_role_can_have_another_name_at_the_provider() -> None:
    book = RoleBook.of(claim="realm_access.roles", fields="", roles={"PIR leads": "triage-lead"})
    assert book.person({"sub": "l", "realm_access": {"roles": ["PIR leads"]}}).role is Role.LEAD
    assert refused(book, realm_access={"roles": ["triage-lead"]}) is Refusal.NO_ROLE


def test_a_claim_may_have_dots_in_its_name() -> None:
    book = RoleBook(claim="https://example.org/roles")
    assert book.person({"sub": "l", "https://example.org/roles": "triage-lead"}).role is Role.LEAD


def test_a_role_at_another_organisation_gives_nothing_here() -> None:
    roles = {"RX1 S0080:G0450:R5080": "triage-lead", "RX1 S0080:G0450:R5090": "triage-lead"}
    book = RoleBook.of(claim="nhsid_nrbac_roles", fields="org_code role_code", roles=roles)
    ours = {"org_code": "RX1", "role_code": "S0080:G0450:R5080", "role_name": "Lead"}
    also_ours = ours | {"role_code": "S0080:G0450:R5090"}
    theirs = ours | {"org_code": "RY2"}
    assert book.person({"sub": "l", "nhsid_nrbac_roles": [theirs, ours, also_ours]}).role is Role.LEAD
    assert refused(book, nhsid_nrbac_roles=[theirs]) is Refusal.NO_ROLE


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Tess Whitlock"}, "Tess Whitlock"),
        ({"name": " Tess\n\u202eWhitlock "}, "Tess Whitlock"),
        ({"name": "", "given_name": "Tess", "family_name": "Whitlock"}, "Tess Whitlock"),
        ({"preferred_username": "tess@example.org"}, "tess@example.org"),
        ({"name": None}, "tess"),
    ],
)
def test_colleagues_see_a_name_on_one_line(claims: dict[str, Any], name: str) -> None:
    assert name_of({"sub": "tess", **claims}) == name


@given(st.text())
def test_a_name_is_never_long_or_empty(name: str) -> None:
    assert 0 < len(name_of({"sub": "tess", "name": name})) <= LONGEST_NAME


def test_every_refusal_has_words() -> None:
    assert set(WORDS) == set(Refusal)
    assert {words.status for words in WORDS.values()} == {400, 403, 503}


# Settings.


def settings(**changes: Any) -> Settings:
    whole = {
        "profile": "production",
        "internal_port": 9000,
        "scrape_token": "s",
        "audit_signing_key": "A" * 43,
        "DATABASE_URL": "postgresql://nowhere",
        "KAFKA_BOOTSTRAP_SERVERS": "nowhere",
        "public_url": "https://triage.example.org",
        "oidc_metadata_url": "https://login.example.org/.well-known/openid-configuration",
        "oidc_client_id": "pir",
        "oidc_client_secret": "secret",
    }
    return Settings(**whole | changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [
        {"oidc_client_id": ""},
        {"oidc_client_secret": ""},
        {"oidc_client_key_file": "key.pem"},
        {"public_url": "http://triage.example.org"},
        {"oidc_metadata_url": "http://login.example.org/.well-known/openid-configuration"},
    ],
)
def test_a_service_does_not_start_with_half_a_provider_or_without_tls(changes: dict[str, str]) -> None:
    assert settings()
    with pytest.raises(ValidationError):
        settings(**changes)


@pytest.mark.parametrize(("text", "roles"), [("", {}), ('{"PIR leads": "triage-lead"}', {"PIR leads": "triage-lead"})])
def test_role_names_come_as_json(monkeypatch: pytest.MonkeyPatch, text: str, roles: dict[str, str]) -> None:
    monkeypatch.setenv("PIR_OIDC_ROLES", text)
    assert settings().oidc_roles == roles


def test_a_key_file_without_a_name_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIR_OIDC_CLIENT_KEY_FILE", "")
    assert settings().oidc_client_key_file is None


def test_role_names_that_are_no_json_end_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIR_OIDC_ROLES", "triage-lead")
    with pytest.raises(ValidationError):
        settings()


def test_a_role_that_is_none_of_ours_ends_the_start() -> None:
    with pytest.raises(ValueError, match="boss"):
        RoleBook.of(claim="roles", fields="", roles={"PIR boss": "boss"})


# Who may look.


class Door:
    """Tess is signed in when her cookie comes along."""

    public_url = "https://triage.example.org"

    async def find(self, request: Request) -> Visitor | None:
        return TESS if request.cookies.get("who") == "tess" else None


def an_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.state.sign_in = Door()

    @app.get("/staff/capacity")
    async def look(found: Annotated[Visitor, Depends(visitor(Permission.READ_CAPACITY))]) -> str:
        return found.staff.name

    @app.get("/staff/lead")
    async def lead(_: Annotated[Visitor, Depends(visitor(Permission.LEAD))]) -> None: ...

    @app.get("/staff/either")
    async def either(_: Annotated[Visitor, Depends(visitor(Permission.LEAD, Permission.WORK_ITEMS))]) -> None: ...

    @app.post("/staff/capacity")
    @app.post("/staff/only-a-form")
    async def send(request: Request, found: Annotated[Visitor, Depends(any_visitor())]) -> Response:
        form = await read_form(request, found)
        return JSONResponse(
            {name: each if isinstance(each, str) else (await each.read()).decode() for name, each in form.items()}
        )

    return app


async def ask(method: str, path: str, *, who: str = "tess", **rest: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=an_app())
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}", cookies={"who": who}) as client:
        return await client.request(method, path, **rest)


async def test_a_visitor_sees_the_page() -> None:
    assert (await ask("GET", "/staff/capacity")).json() == "Tess Whitlock"


async def test_nobody_is_led_to_the_sign_in_and_back_to_the_page() -> None:
    answer = await ask("GET", "/staff/capacity?route=pir_short", who="nobody")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/staff/sign-in?next=/staff/capacity%3Froute%3Dpir_short"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("path", "page"), [("/staff/capacity", "/staff/capacity"), ("/staff/only-a-form", "/staff")])
async def test_a_form_of_nobody_leads_to_the_sign_in_and_back_to_a_page(path: str, page: str) -> None:
    answer = await ask("POST", f"{path}?x=1", who="nobody", data={"csrf": TESS.csrf})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/sign-in?next={page}")


async def test_another_role_is_forbidden() -> None:
    assert (await ask("GET", "/staff/lead")).status_code == 403


async def test_one_of_several_permissions_is_enough() -> None:
    assert (await ask("GET", "/staff/either")).status_code == 200


def test_a_check_says_what_it_asks_for() -> None:
    check = visitor(Permission.LEAD, Permission.WORK_ITEMS)
    assert check is visitor(Permission.LEAD, Permission.WORK_ITEMS)
    assert vars(check)["permission"] is Permission.LEAD
    assert vars(check)["permissions"] == (Permission.LEAD, Permission.WORK_ITEMS)


# Forms.

SENT = {"csrf": TESS.csrf, "places": "3"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{HOST}"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "null"},
        {"Origin": "https://triage.example.org"},
    ],
)
async def test_a_form_of_our_own_page_is_read(headers: dict[str, str]) -> None:
    answer = await ask("POST", "/staff/capacity", data=SENT, headers=headers)
    assert (answer.status_code, answer.json()) == (200, SENT)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
        {"Origin": f"https://{HOST}.elsewhere.example"},
        {"Origin": "file://"},
        {"Origin": ""},
    ],
)
async def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    assert (await ask("POST", "/staff/capacity", data=SENT, headers=headers)).status_code == 403


@pytest.mark.parametrize("csrf", [{}, {"csrf": ""}, {"csrf": "the-token-of-somebody-else"}, {"csrf": "ü"}])
async def test_a_form_without_the_token_of_this_session_is_refused(csrf: dict[str, str]) -> None:
    answer = await ask("POST", "/staff/capacity", data={"places": "3", **csrf})
    assert (answer.status_code, answer.json()["detail"]) == (403, "form-expired")


async def test_a_form_may_bring_a_file_but_not_as_its_token() -> None:
    file = {"policy": ("draft.toml", b"a = 1")}
    assert (await ask("POST", "/staff/capacity", data=SENT, files=file)).json() == {**SENT, "policy": "a = 1"}
    assert (await ask("POST", "/staff/capacity", files={"csrf": ("x", TESS.csrf.encode())})).status_code == 403


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"csrf": "the-token-of-tess"}', "application/json", 415),
        (b"csrf=the-token-of-tess", "text/plain", 415),
        (b"csrf=the-token-of-tess", "", 415),
        (b"csrf=the-token-of-tess&a=" + b"a" * 256 * 1024, "application/x-www-form-urlencoded", 413),
        (b"csrf=the-token-of-tess" + b"&a=b" * 600, "application/x-www-form-urlencoded", 400),
        (b"no part at all", "multipart/form-data; boundary=x", 400),
        (b"no boundary", "multipart/form-data", 400),
    ],
)
async def test_what_is_no_form_is_refused(content: bytes, kind: str, status: int) -> None:
    answer = await ask("POST", "/staff/capacity", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
