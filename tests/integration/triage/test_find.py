"""Finding families through both services on a real PostgreSQL: who is found, who is not, and what is written down."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.secrets import CALL_TOKENS
from services.referral.erasing import erase
from services.referral.reindexing import reindex
from services.referral.settings import Settings as ReferralSettings
from services.referral.submitting.prepare import preparing_of
from services.triage import tables
from services.triage.clients import Families
from services.triage.handlers import handlers
from services.triage.identity_access import MOST_AN_HOUR
from shared.access import Role
from shared.audit import Actor
from shared.events import ReferralReceived
from shared.internal_client import Called
from shared.messaging.dispatch import dispatch
from tests import programs
from tests.builders import a_family, a_policy
from tests.families import a_referral
from tests.integration.conftest import NOWHERE, Behind
from tests.integration.staff_pages import PEOPLE, Somebody, somebody_at, words_of
from tests.integration.support import an_event, count, engine_of, fetch

MOTHER = {"given_name": "Zoë", "family_name": "Nightingale-Oyelaran", "date_of_birth": "1996-02-11"}
TYPED = {"given_name": "ZOE", "family_name": "nightingale oyelaran", "day": "11", "month": "2", "year": "1996"}
ASKED = {"given_name": "zoe", "family_name": "Nightingale Oyelaran", "date_of_birth": "1996-02-11"}


def about(mother: dict[str, str], *, postcode: str = "NG6 8GB", **changes: Any) -> dict[str, Any]:
    """A referral with this mother, whose baby nobody knows otherwise."""
    body = a_referral(**changes)
    body["caregivers"] = [body["caregivers"][0] | mother]
    return body | {"home": {"postcode": postcode}}


@pytest.fixture
def token(settings: dict[str, Any]) -> str:
    return str(settings["PIR_TOKEN_TRIAGE_REFERRAL"])


async def search(intake: Behind, token: str, **asked: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}", "X-PIR-Actor": "ada"}
    return await intake.http.post("/internal/referrals/search", json={"reason": "rang", **asked}, headers=headers)


async def found(intake: Behind, token: str, **asked: Any) -> list[str]:
    answer = await search(intake, token, **asked)
    assert answer.status_code == 200, answer.text
    return [each["reference"] for each in answer.json()["referrals"]]


async def send(intake: Behind, body: dict[str, Any], **more: Any) -> str:
    answer = await intake.send(body, **more)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["reference"])


async def searches(engine: AsyncEngine) -> list[Any]:
    return list(await fetch(engine, "SELECT * FROM audit WHERE action = 'identity.searched' ORDER BY id"))


async def test_a_family_is_found_by_the_nhs_number_of_the_baby(intake: Behind, token: str) -> None:
    body = about(MOTHER)
    reference = await send(intake, body)
    await send(intake, a_referral())
    assert await found(intake, token, nhs_number=body["babies"][0]["nhs_number"]) == [reference]


async def test_a_family_is_found_by_name_and_date_whatever_the_case_accents_and_postcode(
    intake: Behind, token: str
) -> None:
    first, second = await send(intake, about(MOTHER)), await send(intake, about(MOTHER, postcode="NG5 1AA"))
    assert await found(intake, token, **ASKED) == [second, first]
    assert await found(intake, token, **ASKED, postcode="ng5 1aa") == [second]
    assert await found(intake, token, **ASKED | {"date_of_birth": "1996-02-12"}) == []


async def test_a_name_and_a_date_find_families_and_never_link_them(intake: Behind) -> None:
    await send(intake, about(MOTHER))
    answer = await intake.send(about(MOTHER, postcode="NG5 1AA"))
    assert answer.json()["links"] == []
    assert await count(intake.engine, "kin") == 0
    [row] = await fetch(intake.engine, "SELECT count(DISTINCT family_id) AS families FROM referral")
    assert row.families == 2


async def test_an_amended_referral_is_found_by_what_it_says_now(intake: Behind, token: str) -> None:
    body = about(MOTHER)
    reference = await send(intake, body)
    await send(intake, body | {"caregivers": [body["caregivers"][0] | {"given_name": "Ada"}]})
    assert await found(intake, token, **ASKED) == []
    assert await found(intake, token, **ASKED | {"given_name": "Ada"}) == [reference]


async def test_an_erased_referral_is_never_found(intake: Behind, token: str, settings: dict[str, Any]) -> None:
    body = about(MOTHER)
    await forget(intake, await send(intake, body))
    await reindex(intake.engine, preparing_of(ReferralSettings(**settings)))
    assert await found(intake, token, **ASKED) == []
    assert await found(intake, token, nhs_number=body["babies"][0]["nhs_number"]) == []


async def forget(intake: Behind, reference: str) -> None:
    async with intake.engine.begin() as tx:
        assert await erase(tx, reference, actor=Actor("operator", "test"), at=datetime.now(UTC))


async def test_a_referral_from_before_the_index_is_found_after_reindexing(
    intake: Behind, token: str, settings: dict[str, Any]
) -> None:
    reference = await send(intake, about(MOTHER))
    before = await fetch(intake.engine, "SELECT token FROM family_token ORDER BY token")
    async with intake.engine.begin() as tx:
        await tx.execute(sa.text("DELETE FROM family_token"))
    assert await found(intake, token, **ASKED) == []
    for _ in range(2):
        assert await reindex(intake.engine, preparing_of(ReferralSettings(**settings))) == (1, 0)
    assert await found(intake, token, **ASKED) == [reference]
    assert await fetch(intake.engine, "SELECT token FROM family_token ORDER BY token") == before


FAMILIES = """
    SELECT r.id, r.family_id, r.profile, r.facts, r.external_sealed IS NOT NULL AS is_named,
        (SELECT jsonb_agg(jsonb_build_array(other_id, link, is_told, is_answered, in_facts) ORDER BY other_id)
         FROM kin WHERE referral_id = r.id) AS kin
    FROM referral r ORDER BY r.received_at
"""


async def test_reindexing_brings_the_links_the_profile_and_the_family_along(
    intake: Behind, settings: dict[str, Any]
) -> None:
    """Rows of before the families were known, or matched by other rules, become what arrivals of today would be."""
    body = about(MOTHER)
    await send(intake, body)
    await send(intake, body | {"external_reference": "T-again"}, slug="social-care")
    await send(intake, about({"given_name": "Ada", "family_name": "Else", "date_of_birth": "1990-01-01"}))
    before = [tuple(row) for row in await fetch(intake.engine, FAMILIES)]
    assert len({row[1] for row in before}) == 2
    assert [bool(row[-1]) for row in before] == [True, True, False]
    async with intake.engine.begin() as tx:
        for statement in (
            "DELETE FROM family_token",
            "DELETE FROM kin",
            "UPDATE referral SET profile = '{}', family_id = id, external_sealed = NULL",
        ):
            await tx.execute(sa.text(statement))
    for _ in range(2):
        assert await reindex(intake.engine, preparing_of(ReferralSettings(**settings))) == (3, 0)
        assert [tuple(row) for row in await fetch(intake.engine, FAMILIES)] == before


async def test_reindexing_is_a_command(intake: Behind, settings: dict[str, Any]) -> None:
    await send(intake, about(MOTHER))
    told = {
        "PIR_PROFILE": "development",
        "DATABASE_URL": settings["DATABASE_URL"],
        "KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
        "PIR_CREDENTIALS_FILE": str(settings["credentials_file"]),
        **{name: settings[name] for name in CALL_TOKENS},
        "PIR_MASTER_KEY": settings["master_key"],
        "PIR_INDEX_KEY": settings["index_key"],
    }
    done = await asyncio.to_thread(programs.run, "services.referral", "reindex", environment=os.environ | told)
    assert (done.returncode, done.stdout.strip()) == (0, "1 referral(s) can be found")


async def test_at_most_twenty_are_listed_and_it_is_said_that_there_are_more(intake: Behind, token: str) -> None:
    sent = [await send(intake, about(MOTHER)) for _ in range(21)]
    answer = (await search(intake, token, **ASKED)).json()
    assert [each["reference"] for each in answer["referrals"]] == sent[:0:-1]
    assert answer["more"] is True
    assert set(answer["referrals"][0]) == {"id", "reference", "received_at"}


async def test_each_referral_found_has_its_audit_row_and_finding_nobody_has_one_too(intake: Behind, token: str) -> None:
    await send(intake, about(MOTHER))
    await send(intake, about(MOTHER, postcode="NG5 1AA"))
    await found(intake, token, **ASKED)
    ids = {row.id for row in await fetch(intake.engine, "SELECT id FROM referral")}
    rows = await searches(intake.engine)
    assert {row.referral_id for row in rows} == ids
    assert {(row.actor_kind, row.actor_id, row.detail) for row in rows} == {("staff", "ada", "rang")}
    await found(intake, token, nhs_number="9990000018")
    assert [row.referral_id for row in (await searches(intake.engine))[2:]] == [None]


async def test_what_cannot_be_audited_is_not_answered(intake: Behind, token: str) -> None:
    await send(intake, about(MOTHER))
    async with intake.admin.begin() as tx:
        await tx.execute(sa.text("ALTER TABLE audit ADD CONSTRAINT full_up CHECK (id < 0) NOT VALID"))
    answer = await search(intake, token, **ASKED)
    assert answer.status_code == 500
    assert "PIR-" not in answer.text


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({}, ["/given_name", "/family_name", "/date_of_birth"]),
        ({"given_name": "Zoë", "family_name": "Nightingale"}, ["/date_of_birth"]),
        (ASKED | {"postcode": "nowhere"}, ["/postcode"]),
        ({"nhs_number": "12"}, ["/nhs_number"]),
        (ASKED | {"reason": "because Zoe rang"}, ["/reason"]),
        (ASKED | {"surname": "x"}, ["/surname"]),
    ],
)
async def test_too_little_or_the_wrong_thing_is_refused_without_repeating_it(
    intake: Behind, token: str, asked: dict[str, str], wrong: list[str]
) -> None:
    answer = await search(intake, token, **asked)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == wrong
    assert "nowhere" not in answer.text
    assert "Zoe" not in answer.text
    assert await searches(intake.engine) == []


# The page, in front of both.


@pytest.fixture
async def engine(database: str) -> AsyncIterator[AsyncEngine]:
    """Triage's side of the database."""
    made = engine_of(database, tables.SCHEMA)
    yield made
    await made.dispose()


@pytest.fixture
async def somebody(intake: Behind, engine: AsyncEngine, token: str) -> AsyncIterator[Somebody]:
    transport = httpx.ASGITransport(intake.service.app)
    families = Families(Called("http://referral", token), transport=transport)
    async with somebody_at(engine=engine, now=lambda: datetime.now(UTC), families=families) as made:
        yield made
    await families.close()


async def hear_all(intake: Behind, engine: AsyncEngine) -> None:
    """Triage hears of every referral that was sent, as if it came by the topic; each is a mild worry."""
    rows = await fetch(intake.engine, "SELECT * FROM referral ORDER BY received_at")
    events = [
        an_event(
            row.id,
            data=ReferralReceived(
                reference=row.reference,
                agency_id=row.agency_id,
                received_at=row.received_at,
                expected_by=row.expected_by,
                family_id=row.family_id,
                facts=a_family(born_on=row.received_at.date() - timedelta(days=200)),
            ),
            at=row.received_at,
        )
        for row in rows
    ]
    async with engine.begin() as tx:
        await dispatch(events, handlers(a_policy()), tx)


async def a_known_referral(intake: Behind, engine: AsyncEngine) -> str:
    reference = await send(intake, about(MOTHER))
    await hear_all(intake, engine)
    return reference


async def look(somebody: Somebody, **fields: Any) -> httpx.Response:
    return await somebody.send("/staff/find/family", role=Role.WORKER, **{"reason": "covering", **TYPED, **fields})


async def test_a_reference_leads_straight_to_the_referral_however_it_is_spelled(
    intake: Behind, engine: AsyncEngine, somebody: Somebody
) -> None:
    reference = await a_known_referral(intake, engine)
    for typed in (reference, reference.lower(), f" {reference.replace('-', ' ')} ", reference[4:].replace("-", "")):
        for role in (Role.WORKER, Role.LEAD, Role.MANAGER):
            answer = await somebody.send("/staff/find", role=role, reference=typed)
            assert (answer.status_code, answer.headers["location"]) == (303, f"/staff/referrals/{reference}")
    assert await searches(engine) == []


@pytest.mark.parametrize("typed", ["PIR-222-222", "PIR-0O1-1I5", "", "<b>", "x" * 1000])
async def test_a_reference_that_is_not_ours_is_told_at_once(somebody: Somebody, typed: str) -> None:
    answer = await somebody.send("/staff/find", role=Role.MANAGER, reference=typed)
    assert answer.status_code == 422
    assert "<title>Error: Find a referral" in answer.text
    assert 'href="#reference"' in answer.text
    assert "<b>" not in answer.text


async def test_a_referral_that_was_erased_is_not_found_by_its_reference(
    intake: Behind, engine: AsyncEngine, somebody: Somebody
) -> None:
    reference = await a_known_referral(intake, engine)
    async with engine.begin() as tx:
        await tx.execute(sa.text("UPDATE referral SET erased_at = now()"))
    assert (await somebody.send("/staff/find", reference=reference)).status_code == 422


async def test_a_family_is_found_with_where_each_referral_stands(
    intake: Behind, engine: AsyncEngine, somebody: Somebody
) -> None:
    reference = await a_known_referral(intake, engine)
    answer = await look(somebody)
    assert answer.status_code == 200, answer.text
    words = words_of(answer)
    assert "1 referral found" in words
    assert f'href="/staff/referrals/{reference}"' in answer.text
    assert "A family" in words
    assert "Early Help: not taken on yet" in words
    assert answer.headers["cache-control"] == "no-store"
    assert "?" not in str(answer.url)


async def test_no_name_is_on_the_page_of_what_was_found(
    intake: Behind, engine: AsyncEngine, somebody: Somebody
) -> None:
    await a_known_referral(intake, engine)
    shown = (await look(somebody)).text.lower()
    assert "nightingale" not in shown
    assert "1996" not in shown


async def test_a_referral_that_triage_has_not_heard_of_is_found_too(intake: Behind, somebody: Somebody) -> None:
    reference = await send(intake, about(MOTHER))
    answer = await look(somebody)
    assert reference in answer.text
    assert "only just arrived" in words_of(answer)


async def test_both_services_write_down_who_searched_and_why_and_never_for_whom(
    intake: Behind, engine: AsyncEngine, somebody: Somebody
) -> None:
    await a_known_referral(intake, engine)
    await look(somebody)
    for side in (engine, intake.engine):
        [row] = await searches(side)
        assert (row.actor_kind, row.actor_id, row.detail) == ("staff", PEOPLE[Role.WORKER].id, "covering")
        everything = await fetch(side, "SELECT string_agg(lower(CAST(audit AS text)), ' ') AS rows FROM audit")
        assert "nightingale" not in everything[0].rows


async def test_without_a_reason_nobody_is_looked_for(engine: AsyncEngine, intake: Behind, somebody: Somebody) -> None:
    answer = await look(somebody, reason="")
    assert answer.status_code == 422
    assert "Choose why you are looking" in words_of(answer)
    assert 'value="nightingale oyelaran"' in answer.text
    assert await searches(engine) == await searches(intake.engine) == []


async def test_a_postcode_that_is_none_is_told_at_its_field(somebody: Somebody) -> None:
    answer = await look(somebody, postcode="nowhere")
    assert answer.status_code == 422
    assert 'href="#postcode"' in answer.text
    assert 'value="nowhere"' in answer.text


async def test_finding_nobody_says_what_to_check(somebody: Somebody) -> None:
    assert "may have moved" in words_of(await look(somebody, postcode="NG6 8GB"))
    words = words_of(await look(somebody, nhs_number="9990000019"))
    assert "Nobody found" in words
    assert "does not add up" in words


async def test_a_manager_looks_by_reference_only(engine: AsyncEngine, somebody: Somebody) -> None:
    page = await somebody.get("/staff/find", role=Role.MANAGER)
    assert page.status_code == 200
    assert "nhs_number" not in page.text
    answer = await somebody.send("/staff/find/family", role=Role.MANAGER, reason="rang", nhs_number="9990000018")
    assert answer.status_code == 403
    assert await searches(engine) == []


async def test_a_form_of_another_session_finds_nobody(engine: AsyncEngine, somebody: Somebody) -> None:
    assert (await look(somebody, csrf="somebody else's")).status_code == 403
    assert await searches(engine) == []


async def searched(engine: AsyncEngine, times: int, *, by: str, ago: timedelta) -> None:
    async with engine.begin() as tx:
        await tx.execute(
            sa.text("""
                INSERT INTO audit (at, actor_kind, actor_id, action, detail)
                SELECT now() - CAST(:ago AS interval), 'staff', :who, 'identity.searched', 'rang' FROM generate_series(1, :times)
            """),
            {"ago": ago, "who": by, "times": times},
        )


async def test_after_so_many_searches_within_an_hour_a_person_has_to_wait(
    engine: AsyncEngine, somebody: Somebody
) -> None:
    me = PEOPLE[Role.WORKER].id
    await searched(engine, MOST_AN_HOUR, by=me, ago=timedelta(minutes=61))
    await searched(engine, MOST_AN_HOUR, by="somebody-else", ago=timedelta(minutes=1))
    await searched(engine, MOST_AN_HOUR - 1, by=me, ago=timedelta(minutes=1))
    assert (await look(somebody)).status_code == 200
    refused = await look(somebody)
    assert refused.status_code == 429
    assert "many families" in words_of(refused)
    assert int(refused.headers["retry-after"]) > 3500
    assert await count(engine, "audit WHERE action = 'identity.searched'") == 3 * MOST_AN_HOUR


async def test_while_the_referral_service_is_away_the_page_says_so(engine: AsyncEngine) -> None:
    families = Families(Called(f"http://{NOWHERE}", "unknown"))
    async with somebody_at(engine=engine, now=lambda: datetime.now(UTC), families=families) as somebody:
        answer = await look(somebody)
    await families.close()
    assert answer.status_code == 503
    assert "can’t search right now" in words_of(answer)
    assert len(await searches(engine)) == 1


async def test_whoever_signs_in_again_comes_back_to_the_form(somebody: Somebody) -> None:
    answer = await somebody.get("/staff/find/family")
    assert (answer.status_code, answer.headers["location"]) == (303, "/staff/find")
