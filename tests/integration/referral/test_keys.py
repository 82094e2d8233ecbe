"""Keys are changed while the services run: both are accepted meanwhile, and in the end the old one opens nothing."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local import credentials
from deploy.setup import add_demo_agencies
from services.notify.settings import Settings as NotifySettings
from services.notify.webhooks import endpoints, signing
from services.notify.webhooks import secrets as webhook_secrets
from services.notify.webhooks.secrets import EndpointSecrets
from services.referral import app as referral_app
from services.referral import encryption_keys, erasing, identity_api
from services.referral.document.model import ReferralDocument
from services.referral.erasing import Erasure, LedgerError
from services.referral.front import codes, members
from services.referral.identity import Identities, Sealed
from services.referral.records import certificates
from services.referral.settings import Settings
from services.referral.submitting.prepare import identities_of
from services.triage import encryption_keys as triage_keys
from services.triage.settings import Settings as TriageSettings
from services.triage.staff_notes import StaffNotes
from shared.audit import Actor
from shared.crypto import Safe, UnreadableSecretError
from shared.database import sql
from shared.encryption_keys import WrongKeyError
from shared.key_rotation import Rotates, rotate, status
from tests.families import a_referral
from tests.integration.conftest import Behind, behind
from tests.integration.front import MEMBER
from tests.integration.support import count, engine_of, fetch

OLD, NEW, STRANGER = (base64.urlsafe_b64encode(bytes([each]) * 32).decode() for each in (1, 2, 3))
BEFORE = {"master_key": OLD, "index_key": OLD}
PREPARED = {**BEFORE, "master_key_before": NEW, "index_key_before": NEW}
MEANWHILE = {"master_key": NEW, "index_key": NEW, "master_key_before": OLD, "index_key_before": OLD}
AFTER = {"master_key": NEW, "index_key": NEW}
BY = Actor("operator", "test")
NOW = datetime.now(UTC)


class Place:
    """One database of the referral service, entered with one set of keys after another."""

    def __init__(self, database: str, settings: dict[str, Any], folder: Path) -> None:
        self.database, self._settings = database, settings | {"erasure_ledger": folder / "erasures.jsonl"}

    def settings(self, held: dict[str, str]) -> Settings:
        return Settings(**{**self._settings, **held})

    def identities(self, held: dict[str, str]) -> Identities:
        return identities_of(self.settings(held))

    @asynccontextmanager
    async def with_keys(self, held: dict[str, str]) -> AsyncIterator[Behind]:
        """The service, started as it starts. Raises WrongKeyError."""
        async with behind(referral_app.build, self.settings(held), ("batch-writer",)) as service:
            assert service.service.prepare
            await service.service.prepare()
            yield service

    async def rotate(self, held: dict[str, str], *, leave_rest: bool = False) -> tuple[int, list[str]]:
        """The command's exit code and what it said."""
        said: list[str] = []
        return await self._with_engine(held, lambda e, r: rotate(e, r, leave_rest=leave_rest, say=said.append)), said

    async def status(self, held: dict[str, str]) -> str:
        said: list[str] = []
        await self._with_engine(held, lambda e, r: status(e, r, say=said.append))
        return "\n".join(said)

    async def _with_engine(self, held: dict[str, str], does: Callable[[Any, Sequence[Rotates]], Any]) -> Any:
        engine = engine_of(self.database, "referral")
        try:
            async with engine.begin() as tx:
                await encryption_keys.check(tx, self.identities(held), at=NOW)
            return await does(engine, encryption_keys.rotates(self.settings(held)))
        finally:
            await engine.dispose()


async def change(engine: AsyncEngine, statement: str, **values: Any) -> None:
    async with engine.begin() as tx:
        await tx.execute(sql(statement), values)


@pytest.fixture
async def place(new_database: Callable[[], str], settings: dict[str, Any], tmp_path: Path) -> Place:
    url = new_database()
    place = Place(url, settings | {"DATABASE_URL": url}, tmp_path)
    async with place.with_keys(BEFORE):
        pass  # a new database
    known = credentials.load(settings["credentials_file"])
    await add_demo_agencies(url, known, place.identities(BEFORE))
    return place


async def test_whatever_was_stored_is_found_with_both_keys_and_after_the_old_one_is_gone(place: Place) -> None:
    body, key = a_referral(), uuid4().hex
    async with place.with_keys(BEFORE) as old:
        first = (await old.send(body, key=key)).json()
        cursor = (await old.look("/referrals")).json()["next"]
        changed = a_referral()
        patched = (await old.send(changed)).json()
        headers = {"Authorization": f"Bearer {old.key()}", "Idempotency-Key": "patch"}
        path = f"/referrals/{patched['reference']}"
        assert (await old.http.patch(path, json={"risk_factors": []}, headers=headers)).status_code == 200
    for held in (MEANWHILE, PREPARED):
        async with place.with_keys(held) as both:
            again = await both.send(body, key=key)
            assert (again.status_code, again.json()) == (201, first)
            assert (await both.send(body)).json()["reference"] == first["reference"]
            assert (await both.send(a_referral(), key=key)).status_code == 422
            assert (await both.send(changed)).json()["reference"] == patched["reference"]
            assert (await both.look("/referrals", changed_since=cursor)).status_code == 200
    async with place.with_keys(MEANWHILE) as both:
        during = a_referral()
        second = (await both.send(during)).json()
        code, said = await place.rotate(MEANWHILE)
        assert code == 1, "answers to requests from before are left"
        assert any("last of them goes on" in line for line in said)
        assert (await place.rotate(MEANWHILE, leave_rest=True))[0] == 0
        assert (await both.send(body)).json()["reference"] == first["reference"]
        cursor = (await both.look("/referrals", changed_since=cursor)).json()["next"]
    async with place.with_keys(AFTER) as new:
        assert (await place.rotate(AFTER))[0] == 0
        for each, known, status in ((body, first, 200), (during, second, 200), (changed, patched, 409)):
            answer = await new.send(each)
            assert (answer.status_code, answer.json()["reference"]) == (status, known["reference"])
            shown = await new.look("/referrals", external_reference=each["external_reference"])
            assert [item["reference"] for item in shown.json()["items"]] == [known["reference"]]
        assert (await new.look("/referrals", changed_since=cursor)).status_code == 200
        assert await count(new.engine, "referral") == 3


async def test_the_old_key_opens_and_finds_nothing_in_the_end(place: Place) -> None:
    async with place.with_keys(BEFORE) as old:
        await old.send(a_referral())
    await place.rotate(MEANWHILE, leave_rest=True)
    assert "ffffffff" not in (text := await place.status(MEANWHILE))
    assert "PIR_INDEX_KEY) and" in text
    await place.rotate(AFTER)
    assert "not given" not in await place.status(AFTER)
    identities = place.identities(BEFORE)
    async with place.with_keys(AFTER) as new:
        [row] = await fetch(new.engine, "SELECT * FROM referral")
        with pytest.raises(UnreadableSecretError):
            identities.unwrap(row.wrapped_key)
        sent = place.identities(AFTER).unseal(row.id, Sealed(row.wrapped_key, row.identity))["document"]
        tokens = await fetch(new.engine, "SELECT token FROM family_token")
        under_old = identities.tokens_under(identities.index.current, ReferralDocument.model_validate(sent))
        assert {each.token for each in tokens}.isdisjoint(under_old)
        assert row.profile.get("before") is None
        assert row.external_digest not in identities.external_digests(row.agency_id, sent["external_reference"])


async def test_a_family_is_one_whichever_of_two_keys_its_referrals_were_stored_under(place: Place) -> None:
    baby = a_referral()["babies"]
    async with place.with_keys(BEFORE) as old:
        await old.send(a_referral(babies=baby))
    for held in (PREPARED, MEANWHILE):
        async with place.with_keys(held) as both:
            await both.send(a_referral(babies=baby), slug="social-care")
    await place.rotate(MEANWHILE, leave_rest=True)
    async with place.with_keys(AFTER) as new:
        await new.send(a_referral(babies=baby), slug="early-help")
        assert await count(new.engine, "kin") == 4 * 3
        assert len({row.family_id for row in await fetch(new.engine, "SELECT family_id FROM referral")}) == 1


async def test_copies_with_the_keys_in_either_order_take_one_referral_once(place: Place) -> None:
    async with place.with_keys(BEFORE) as old:
        await old.send(a_referral())
    async with place.with_keys(MEANWHILE) as one, place.with_keys(PREPARED) as other:
        for number in range(5):
            body = a_referral()
            answers = await asyncio.gather(*(copy.send(body, key=f"k{number}") for copy in (one, other, one, other)))
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.json()["id"] for answer in answers}) == 1
            body = a_referral()
            answers = await asyncio.gather(*(copy.send(body) for copy in (one, other, other)))
            assert sorted(answer.status_code for answer in answers) == [200, 200, 201]


async def test_staff_find_a_family_while_keys_are_changed_and_after(place: Place) -> None:
    body = a_referral()
    async with place.with_keys(BEFORE) as old:
        reference = (await old.send(body)).json()["reference"]
    baby = {name: body["babies"][0].get(name) for name in ("given_name", "family_name", "date_of_birth")}
    search = identity_api.read_search(baby | {"reason": "call"}, now=NOW)

    async def found(held: dict[str, str]) -> list[str]:
        async with place.with_keys(held) as service, service.engine.begin() as tx:
            rows, _ = await identity_api.find(tx, search, place.identities(held), actor=BY, at=NOW)
            return [row["reference"] for row in rows]

    assert await found(MEANWHILE) == [reference]
    await place.rotate(MEANWHILE, leave_rest=True)
    assert await found(MEANWHILE) == await found(AFTER) == [reference]


async def test_a_rotation_that_was_killed_goes_on_where_it_was(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.key_rotation.PORTION", 2)
    monkeypatch.setattr("services.referral.encryption_keys.PORTION", 2)
    async with place.with_keys(BEFORE) as old:
        for _ in range(7):
            await old.send(a_referral())

    def die(_: str) -> None:
        raise KeyboardInterrupt

    engine = engine_of(place.database, "referral")
    async with engine.begin() as tx:
        await encryption_keys.check(tx, place.identities(MEANWHILE), at=NOW)
    for each in encryption_keys.rotates(place.settings(MEANWHILE)):
        with pytest.raises(KeyboardInterrupt):
            await each.rotate(engine, die)
    await engine.dispose()
    half = await place.status(MEANWHILE)
    for use in ("MASTER", "INDEX"):
        assert re.search(rf"2  referral .+\(PIR_{use}_KEY\)", half)
        assert re.search(rf"5  referral +\w+ \(PIR_{use}_KEY_BEFORE\)", half)
    code, _ = await place.rotate(MEANWHILE, leave_rest=True)
    assert code == 0
    async with place.with_keys(AFTER) as new:
        rows = await fetch(new.engine, "SELECT action, detail, actor_kind FROM audit WHERE action LIKE 'keys.%'")
        names = [f"{use} {place.identities(AFTER).index.current.id.hex()}" for use in ("master", "index")]
        assert [(row.action, row.detail) for row in rows] == [
            (action, name) for name in names for action in ("keys.rotation-begun", "keys.rotated")
        ]
        assert {row.actor_kind for row in rows} == {"operator"}


@pytest.mark.parametrize("name", ["master_key", "index_key"])
async def test_a_wrong_key_refuses_the_start_and_names_its_variable(place: Place, name: str) -> None:
    async with place.with_keys(BEFORE) as old:
        await old.send(a_referral())
    for held in (BEFORE | {name: STRANGER}, BEFORE | {name: STRANGER, f"{name}_before": NEW}):
        with pytest.raises(WrongKeyError, match=f"PIR_{name.upper()} is not the key of this database"):
            async with place.with_keys(held):
                pass


@pytest.mark.parametrize("name", ["master_key", "index_key"])
async def test_a_key_that_is_still_needed_can_not_be_taken_away(place: Place, name: str) -> None:
    async with place.with_keys(BEFORE) as old:
        await old.send(a_referral())
    async with place.with_keys(MEANWHILE):
        pass
    without = {key: value for key, value in MEANWHILE.items() if key != f"{name}_before"}
    with pytest.raises(WrongKeyError, match=f"give it as PIR_{name.upper()}_BEFORE"):
        async with place.with_keys(without):
            pass


async def test_a_database_from_before_keys_had_names_tells_by_its_rows_which_keys_are_its_own(place: Place) -> None:
    identities = place.identities(BEFORE)
    identities.master.current.writes_names = False
    async with place.with_keys(BEFORE) as old:
        body = a_referral()
        await old.send(body)
        [row] = await fetch(old.engine, "SELECT id, wrapped_key FROM referral")
        await change(
            old.engine,
            "UPDATE referral SET index_key = NULL, wrapped_key = :key",
            key=identities.master.current.wrap(identities.unwrap(row.wrapped_key)),
        )
        await change(old.engine, "DELETE FROM member")
        await change(old.engine, "DELETE FROM key_check")
    for name in BEFORE:
        with pytest.raises(WrongKeyError, match=f"PIR_{name.upper()} is not the key"):
            async with place.with_keys(BEFORE | {name: STRANGER}):
                pass
    async with place.with_keys(BEFORE) as same:  # a copy of the version before may still run beside it
        await same.send(a_referral())
        rows = await fetch(same.engine, "SELECT octet_length(wrapped_key) AS size FROM referral")
        assert [row.size for row in rows] == [40, 40]
    await place.rotate(BEFORE, leave_rest=True)
    assert "without a name" not in await place.status(BEFORE)
    async with place.with_keys(BEFORE) as same:
        await same.send(a_referral())
        rows = await fetch(same.engine, "SELECT octet_length(wrapped_key) AS size FROM referral")
        assert [row.size for row in rows] == [45, 45, 45]
        assert (await same.send(body)).status_code == 200


async def test_people_of_agencies_sign_in_with_a_code_that_was_asked_for_under_the_old_key(place: Place) -> None:
    asked = {"browser": b"b" * 32, "page": "/refer", "at": NOW}
    email = MEMBER

    async def ask(held: dict[str, str]) -> str:
        async with place.with_keys(held) as service, service.engine.begin() as tx:
            identities = place.identities(held)
            code = await codes.ask(tx, identities, email_digests=members.digests_of_address(identities, email), **asked)
        assert code
        return code

    async def redeem(held: dict[str, str], code: str) -> str | None:
        async with place.with_keys(held) as service, service.engine.begin() as tx:
            used = await codes.redeem(tx, place.identities(held), browser=b"b" * 32, code=code, at=NOW)
            found = used and await members.by_digests(tx, place.identities(held), used.email_digests)
            return found.email if found else None

    old = await ask(BEFORE)
    assert await redeem(MEANWHILE, old) == email
    unrotated = await ask(MEANWHILE)
    assert await redeem(MEANWHILE, unrotated) == email
    old = await ask(PREPARED)
    await place.rotate(MEANWHILE, leave_rest=True)
    assert await redeem(MEANWHILE, old) == email
    assert await redeem(AFTER, await ask(AFTER)) == email
    async with place.with_keys(MEANWHILE) as service, service.engine.begin() as tx:
        with pytest.raises(members.MemberError):
            await members.add(
                tx, place.identities(PREPARED), slug="nursery", email=email, is_keeper=False, actor=BY, at=NOW
            )


async def test_the_ledger_of_erasures_is_signed_again_and_a_forged_line_is_not(place: Place) -> None:
    file = place.settings(BEFORE).erasure_ledger
    entry = Erasure(str(uuid4()), "PIR-234-679", str(uuid4()), NOW.isoformat(), "anna")
    erasing.write_down(file, place.identities(BEFORE), entry)
    async with place.with_keys(BEFORE):
        pass
    _, said = await place.rotate(MEANWHILE, leave_rest=True)
    assert any("1 line(s) of the ledger" in line for line in said)
    await place.rotate(MEANWHILE, leave_rest=True)
    assert erasing.written_down(file, place.identities(AFTER)) == [entry]
    assert len(file.read_text().splitlines()) == 2
    forged = json.loads(file.read_text().splitlines()[0]) | {"reference": "PIR-234-67X"}
    file.write_text(file.read_text() + json.dumps(forged) + "\n")
    for held in (MEANWHILE, AFTER):
        with pytest.raises(LedgerError, match="line 3"):
            erasing.written_down(file, place.identities(held))


def test_a_certificate_of_disposal_is_ours_under_both_keys(place: Place, tmp_path: Path) -> None:
    nothing = certificates.Certificate(NOW, NOW, {})
    file = certificates.write(tmp_path, place.identities(BEFORE), nothing)
    known = {"before": BEFORE, "meanwhile": MEANWHILE, "prepared": PREPARED, "after": AFTER}
    ours = [name for name, held in known.items() if certificates.is_ours(file, place.identities(held))]
    assert ours == ["before", "meanwhile", "prepared"]


async def test_what_staff_wrote_goes_over_to_triages_new_key(database: str, settings: dict[str, Any]) -> None:
    def told(**held: str) -> TriageSettings:
        return TriageSettings(**{**settings, **held})

    before, meanwhile = told(triage_master_key=OLD), told(triage_master_key=NEW, triage_master_key_before=OLD)
    after = told(triage_master_key=NEW)
    engine = engine_of(database, "triage")
    key, wrapped = Safe(triage_keys.held(before).current).new_key()
    await change(
        engine,
        """
        INSERT INTO referral (id, reference, kind, version, agency_id, family_id, correlation_id, received_at,
                              decided_as_of, facts, linked, gaps, wrapped_key)
        VALUES (:id, 'PIR-234-679', 'family', 1, :id, :id, :id, now(), now(), '{}', '[]', '[]', :key)
        """,
        id=uuid4(),
        key=wrapped,
    )

    async def check(settings: TriageSettings) -> None:
        async with engine.begin() as tx:
            await triage_keys.check(tx, triage_keys.held(settings), at=NOW)

    await check(before)
    with pytest.raises(WrongKeyError, match="PIR_TRIAGE_MASTER_KEY is not"):
        await check(after)
    await check(meanwhile)
    with pytest.raises(WrongKeyError, match="PIR_TRIAGE_MASTER_KEY_BEFORE"):
        await check(after)
    assert await rotate(engine, triage_keys.rotates(meanwhile), say=lambda _: None) == 0
    await check(after)
    [row] = await fetch(engine, "SELECT id, wrapped_key FROM referral")
    assert triage_keys.held(after).safe.unwrap(row.wrapped_key) == key
    async with engine.begin() as tx:
        assert await StaffNotes(triage_keys.held(after).safe).read(tx, row.id) == []
    await engine.dispose()


async def test_the_secrets_of_webhooks_go_over_to_notifys_new_key(database: str, settings: dict[str, Any]) -> None:
    def told(**held: str) -> NotifySettings:
        return NotifySettings(**{**settings, "smtp_host": "nowhere", **held})

    before = told(notify_master_key=OLD)
    meanwhile = told(notify_master_key=NEW, notify_master_key_before=OLD)
    after = told(notify_master_key=NEW)
    engine, agency_id = engine_of(database, "notify"), uuid4()
    async with engine.begin() as tx:
        await webhook_secrets.check(tx, webhook_secrets.held(before), at=NOW)
        made = EndpointSecrets(webhook_secrets.held(before).safe)
        shown = await endpoints.put(
            tx, made, agency_id=agency_id, url="https://receiver.example.org/", cursor="c", at=NOW
        )
    with pytest.raises(WrongKeyError, match="PIR_NOTIFY_MASTER_KEY is not"):
        async with engine.begin() as tx:
            await webhook_secrets.check(tx, webhook_secrets.held(after), at=NOW)
    async with engine.begin() as tx:
        await webhook_secrets.check(tx, webhook_secrets.held(meanwhile), at=NOW)
    assert await rotate(engine, webhook_secrets.rotates(meanwhile), say=lambda _: None) == 0
    async with engine.begin() as tx:
        await webhook_secrets.check(tx, webhook_secrets.held(after), at=NOW)
        row = await endpoints.of_agency(tx, agency_id)
    [secret] = EndpointSecrets(webhook_secrets.held(after).safe).opened(row, at=NOW)
    assert signing.shown(secret) == shown
    with pytest.raises(UnreadableSecretError):
        EndpointSecrets(webhook_secrets.held(before).safe).opened(row, at=NOW)
    await engine.dispose()
