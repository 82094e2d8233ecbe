"""What an agency's program meets at the edge: danger in a refusal, what has ended, what a list dropped, who is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from services.referral import agencies, api
from services.referral.agencies import AgencyError
from services.referral.families import links
from services.referral.submitting import idempotency
from shared.audit import Actor
from shared.ids import uuid7
from tests.families import a_referral
from tests.integration.conftest import Behind
from tests.integration.support import fetch

DANGERS: list[dict[str, Any]] = [
    {"safety": ["immediate_danger"]},
    {"safety": ["injury_nonmobile"]},
    {"safety": ["significant_harm"]},
    {"mental_health": "harm_baby_plan"},
]


async def call(intake: Behind, method: str, path: str, body: Any) -> Any:
    headers = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {intake.key()}"}
    return await intake.http.request(method, path, json=body, headers=headers)


@pytest.mark.parametrize("danger", DANGERS)
@pytest.mark.parametrize("mistake", [{"caregivers": [{"relationship": "mother", "phone": "x"}]}, {"notes": 1}])
async def test_a_refused_referral_in_danger_says_whom_to_ring(
    intake: Behind, danger: dict[str, Any], mistake: dict[str, Any]
) -> None:
    answer = await intake.send(a_referral() | danger | mistake)
    assert answer.status_code == 422
    assert "999" in str(answer.json()["act_now"])
    assert "act_now" not in (await intake.send(a_referral() | mistake)).json()


@pytest.mark.parametrize("danger", DANGERS)
async def test_every_answer_about_a_family_in_danger_says_whom_to_ring(intake: Behind, danger: dict[str, Any]) -> None:
    sent = (await intake.send(a_referral())).json()
    path = f"/referrals/{sent['reference']}"
    for method, more, body in (
        ("PATCH", "", danger),
        ("POST", "/information", danger),
        ("POST", "/information", {"notes": "Yes."}),
        ("PATCH", "", {"risk_factors": ["isolation"]}),
        ("POST", "/withdrawal", {"reason": "other"}),
    ):
        assert "999" in str((await call(intake, method, path + more, body)).json()["act_now"]), (method, more)
    late = await call(intake, "PATCH", path, danger)
    assert late.status_code == 409
    assert "999" in str(late.json()["act_now"])


@pytest.mark.parametrize("danger", DANGERS)
async def test_whoever_looks_is_told_of_a_danger_and_whom_to_ring(intake: Behind, danger: dict[str, Any]) -> None:
    """The program that shows a referral is often not the one that sent it."""
    sent = (await intake.send(a_referral() | danger)).json()
    path = f"/referrals/{sent['reference']}"
    codes = [*danger.get("safety", ()), *filter(None, [danger.get("mental_health")])]

    async def looks() -> list[tuple[Any, Any]]:
        listed = (await intake.look("/referrals", limit=200)).json()["items"]
        shown = [(await intake.look(path)).json(), *(each for each in listed if each["reference"] == sent["reference"])]
        return [(each["dangers"], each["act_now"]) for each in shown]

    assert await looks() == [(codes, sent["act_now"])] * 2
    await call(intake, "PATCH", path, {"safety": [], "mental_health": "none", "taken_back": codes})
    assert await looks() == [([], [])] * 2


async def test_the_codes_that_let_anything_else_be_missing_are_data(intake: Behind) -> None:
    """What an agency reads there holds for every code of the lists: those named are taken alone, and no others."""
    said = (await intake.http.get("/requirements")).json()
    assert said["dangers"]
    for member, codes in said["code_lists"].items():
        if member not in ("safety", "mental_health"):
            continue
        for code in codes:
            answer = await intake.send({member: [code] if member == "safety" else code})
            assert (answer.status_code == 201) is (code in said["dangers"][member]), code
            assert bool(answer.json().get("act_now")) is (code in said["dangers"][member]), code


@pytest.mark.parametrize("danger", DANGERS)
async def test_a_receipt_asked_for_again_knows_of_a_danger_told_since(intake: Behind, danger: dict[str, Any]) -> None:
    body = a_referral() | {"external_reference": f"CASE-{uuid4().hex[:12]}"}
    sent = (await intake.send(body)).json()
    assert sent["act_now"] == []
    changed = (await call(intake, "PATCH", f"/referrals/{sent['reference']}", danger)).json()
    again = await intake.send(body)
    assert again.status_code == 200
    assert again.json()["act_now"] == changed["act_now"] != []


async def test_a_receipt_asked_for_again_says_what_is_missing_now(intake: Behind) -> None:
    bare = {"safety": ["immediate_danger"], "external_reference": f"CASE-{uuid4().hex[:12]}"}
    sent = (await intake.send(bare)).json()
    assert sent["gaps"]
    whole = a_referral(external_reference=bare["external_reference"])
    changed = (await call(intake, "PATCH", f"/referrals/{sent['reference']}", whole)).json()
    again = (await intake.send(bare)).json()
    assert (again["gaps"], again["reference"]) == (changed["gaps"], sent["reference"]) == ([], sent["reference"])
    assert "999" in str(again["act_now"])


async def test_what_has_ended_is_not_answered_as_if_it_were_worked_on(intake: Behind) -> None:
    body = a_referral() | {"external_reference": f"CASE-{uuid4().hex[:12]}"}
    first = (await intake.send(body)).json()
    again = await intake.send(body)
    assert (again.status_code, again.json()["status"]) == (200, "received")
    await call(intake, "POST", f"/referrals/{first['reference']}/withdrawal", {"reason": "other"})
    for changed in (body, body | {"notes": "They have come back."}):
        answer = await intake.send(changed)
        assert answer.status_code == 409
        assert answer.json()["type"] == "urn:pir:problem:ended"
        assert (answer.json()["reference"], answer.json()["referral_status"]) == (first["reference"], "withdrawn")
        assert "new external reference" in answer.json()["detail"]
    assert (await intake.send(body | {"external_reference": f"CASE-{uuid4().hex[:12]}"})).status_code == 201


async def test_a_list_that_is_replaced_says_what_it_no_longer_says(intake: Behind) -> None:
    body = a_referral() | {"risk_factors": ["isolation", "low_mood"]}
    sent = (await intake.send(body)).json()
    change = {"babies": [{"date_of_birth": body["babies"][0]["date_of_birth"]}], "risk_factors": ["low_mood"]}
    dropped = (await call(intake, "PATCH", f"/referrals/{sent['reference']}", change)).json()["dropped"]
    assert "/risk_factors/isolation" in dropped
    assert {"/babies/0/given_name", "/babies/0/family_name", "/babies/0/nhs_number"} <= set(dropped)
    assert "/babies/0/date_of_birth" not in dropped
    other = (await call(intake, "PATCH", f"/referrals/{sent['reference']}", {"notes": "More."})).json()
    assert other["dropped"] == []


async def test_two_people_share_no_number_that_is_none(intake: Behind) -> None:
    body = a_referral()
    for number in ("0000000000", "9999999999", "1234567890"):
        people = [body["babies"][0] | {"nhs_number": number}, {"given_name": "Max", "nhs_number": number}]
        assert (await intake.send(body | {"external_reference": uuid4().hex, "babies": people})).status_code == 201
    one = body["babies"][0]
    twice = await intake.send(body | {"external_reference": uuid4().hex, "babies": [one, one | {"given_name": "Max"}]})
    assert twice.status_code == 422


async def test_a_sign_language_needs_an_interpreter_and_bsl_is_none(intake: Behind) -> None:
    body = a_referral()

    async def speaks(tag: str) -> Any:
        carers = [{"relationship": "mother", "given_name": "Sana", "preferred_language": tag}]
        return await intake.send(body | {"external_reference": uuid4().hex, "caregivers": carers})

    refused = await speaks("BSL")
    assert refused.status_code == 422
    assert "bfi" in refused.json()["errors"][0]["detail"]
    for tag, needs in (("bfi", True), ("sgn-GB", True), ("ase", True), ("ur", False)):
        reference = (await speaks(tag)).json()["reference"]
        [row] = await fetch(intake.engine, f"SELECT facts FROM referral WHERE reference = '{reference}'")
        assert row.facts["accessible_information"] is needs


@pytest.mark.parametrize(
    "wrong",
    [
        {"team_inbox": "not-an-address"},
        {"team_inbox": "Team <team@example.org>"},
        {"team_inbox": "team@example.org\nBcc: x@example.org"},
        {"source": "EH"},
        {"source": ""},
        {"name": " "},
        {"slug": "Health Visiting"},
    ],
)
async def test_an_agency_that_could_not_be_written_to_is_refused(intake: Behind, wrong: dict[str, str]) -> None:
    good = {"slug": f"a-{uuid7().hex}", "name": "A team", "team_inbox": "team@example.org", "source": "A2"}
    who = {"actor": Actor("operator", "test"), "at": datetime.now(UTC)}
    async with intake.engine.begin() as tx:
        with pytest.raises(AgencyError):
            await agencies.add(tx, **(good | wrong), **who)
        key = await agencies.add(tx, **good, **who)
        with pytest.raises(AgencyError):
            await agencies.change(tx, **({"slug": good["slug"]} | (wrong if "slug" not in wrong else {})), **who)
        await agencies.change(tx, slug=good["slug"], team_inbox="other@example.org", **who)
        assert agencies.digest_of(key) in await agencies.valid_keys(tx)
        await agencies.end(tx, slug=good["slug"], **who)
        assert agencies.digest_of(key) not in await agencies.valid_keys(tx)
    rows = await fetch(
        intake.engine, "SELECT value FROM event WHERE type = 'agency.updated.v1' ORDER BY id DESC LIMIT 1"
    )
    assert '"team_inbox":"other@example.org"' in rows[0].value
    assert '"active":false' in rows[0].value


async def test_an_agency_finds_a_referral_by_its_own_reference(intake: Behind) -> None:
    mine = f"CASE-{uuid4().hex[:12]}"
    sent = (await intake.send(a_referral() | {"external_reference": mine})).json()
    await intake.send(a_referral())
    [found] = (await intake.look("/referrals", external_reference=mine)).json()["items"]
    assert (found["reference"], found["external_reference"]) == (sent["reference"], mine)
    assert (await intake.look(f"/referrals/{sent['reference']}")).json()["external_reference"] == mine
    assert (await intake.look("/referrals", external_reference=mine, slug="nursery")).json()["items"] == []
    [row] = await fetch(intake.engine, f"SELECT * FROM referral WHERE reference = '{sent['reference']}'")
    assert mine not in str(row)


@pytest.mark.parametrize("name", ["cursor", "page", "status"])
async def test_a_query_that_means_nothing_is_refused(intake: Behind, name: str) -> None:
    """Ignored, it would be the first page for ever."""
    answer = await intake.look("/referrals", **{name: "2"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/query/{name}")


async def test_a_danger_stays_until_it_is_taken_back_by_its_name(intake: Behind) -> None:
    """A list of risk factors typed anew, or an empty field of a form, is no all-clear."""
    body = a_referral() | {"safety": ["immediate_danger", "domestic_abuse"], "mental_health": "harm_baby_plan"}
    path = f"/referrals/{(await intake.send(body)).json()['reference']}"

    async def facts() -> tuple[set[str], str]:
        [row] = await fetch(intake.engine, f"SELECT facts FROM referral WHERE reference = '{path[11:]}'")
        return set(row.facts["safety"]), row.facts["mental_health"]

    for change in ({"safety": None, "mental_health": None}, {"safety": []}, {"mental_health": "none"}):
        answer = (await call(intake, "PATCH", path, change)).json()
        assert "999" in str(answer["act_now"])
        assert "/safety/immediate_danger" not in answer["dropped"]
        assert (await facts()) == ({"immediate_danger"}, "harm_baby_plan")
    wrong = await call(intake, "PATCH", path, {"taken_back": ["domestic_abuse"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/taken_back")
    change = {"safety": [], "mental_health": "low", "taken_back": ["immediate_danger", "harm_baby_plan"]}
    assert (await call(intake, "PATCH", path, change | {"mental_health": "mild"})).status_code == 200
    assert (await facts()) == (set(), "mild")


async def test_a_change_can_name_the_version_that_it_is_for(intake: Behind) -> None:
    path = f"/referrals/{(await intake.send(a_referral())).json()['reference']}"

    async def change(version: str, **members: Any) -> Any:
        headers = {"Idempotency-Key": uuid4().hex, "Authorization": f"Bearer {intake.key()}", "If-Match": version}
        return await intake.http.patch(path, json=members, headers=headers)

    assert (await change('"1"', risk_factors=["isolation"])).json()["version"] == 2
    late = await change('"1"', risk_factors=["low_mood"])
    assert (late.status_code, late.json()["version"]) == (412, 2)
    assert (await change("*", risk_factors=["low_mood"])).status_code == 200
    assert (await change("newest", risk_factors=[])).status_code == 412


async def test_an_older_copy_never_undoes_a_change(intake: Behind) -> None:
    """An agency restores its database and sends again what it had before the birth."""
    body = a_referral() | {"external_reference": f"CASE-{uuid4().hex[:12]}", "notes": "Zoe\u0308 sleeps\r\nbadly."}
    sent = (await intake.send(body)).json()
    again = await intake.send(body | {"notes": "She sleeps."})
    assert (again.status_code, again.json()["reference"]) == (200, sent["reference"])
    await call(intake, "PATCH", f"/referrals/{sent['reference']}", {"risk_factors": ["isolation"]})
    for copy in (body, body | {"notes": "From the backup."}):
        answer = await intake.send(copy)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:pir:problem:conflict")
        assert answer.json()["reference"] == sent["reference"]


async def test_a_copy_that_a_newer_one_replaced_changes_nothing_when_it_comes_late(intake: Behind) -> None:
    """Two programs of an agency, one of them behind, or a queue that gives out of order."""
    first = a_referral() | {"external_reference": f"CASE-{uuid4().hex[:12]}", "notes": "Zoe\u0308 sleeps\r\nbadly."}
    copies = [first, first | {"risk_factors": ["isolation"]}, first | {"risk_factors": ["isolation", "substance_use"]}]
    versions = [(await intake.send(copy)).json().get("version", 1) for copy in copies]
    assert versions == [1, 2, 3]
    for late in copies[:2]:
        answer = await intake.send(late)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:pir:problem:conflict")
        assert answer.json()["version"] == 3
    assert (await intake.send(copies[2])).status_code == 200
    [row] = await fetch(intake.engine, "SELECT version, facts FROM referral")
    assert (row.version, row.facts["risk_factors"]) == (3, ["isolation", "substance_use"])


async def test_a_copy_without_a_danger_that_was_told_since_is_known_too_when_it_comes_late(intake: Behind) -> None:
    first = a_referral() | {"external_reference": f"CASE-{uuid4().hex[:12]}"}
    await intake.send(first)
    await intake.send(first | {"safety": ["immediate_danger"]})
    assert (await intake.send(first)).status_code == 409


async def test_a_row_that_is_held_fails_its_own_request_and_no_other(intake: Behind) -> None:
    body = a_referral() | {"external_reference": f"CASE-{uuid4().hex[:12]}"}
    sent = (await intake.send(body)).json()
    async with intake.engine.connect() as holder:
        await holder.execute(sa.text(f"SELECT 1 FROM referral WHERE id = '{sent['id']}' FOR UPDATE"))
        answers = await asyncio.gather(
            intake.send(body | {"notes": "Changed."}, once=True), *(intake.send(a_referral()) for _ in range(10))
        )
        await holder.rollback()
    assert [answer.status_code for answer in answers] == [503, *[201] * 10]


async def test_a_family_that_is_held_fails_its_own_request_and_leaves_no_transaction_behind(intake: Behind) -> None:
    body = a_referral()
    sent = (await intake.send(body)).json()
    async with intake.engine.begin() as holder:
        await idempotency.lock(holder, await links.tokens_of(holder, UUID(sent["id"])))
        assert (await intake.send(body, once=True)).status_code == 503
    assert [(await intake.send(a_referral())).status_code for _ in range(6)] == [201] * 6
    assert (await intake.send(body)).status_code == 200  # the first receipt again


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ({"limit": 0}, "out-of-range", "This must be 1 or more."),
        ({"limit": 201}, "out-of-range", "This must be 200 or less."),
        ({"limit": "ten"}, "wrong-type", "This must be a whole number."),
        ({"external_reference": "x" * 65}, "too-long", "This may have 64 characters."),
        ({"Sana Shah": 1}, "unknown-member", "external_reference"),
    ],
)
async def test_a_query_is_refused_in_the_words_of_bodies(
    intake: Behind, query: dict[str, Any], code: str, words: str
) -> None:
    answer = await intake.look("/referrals", **query)
    [error] = answer.json()["errors"]
    assert (answer.status_code, error["code"]) == (422, code)
    assert words in error["detail"]
    assert "Sana" not in answer.text


async def test_a_refusal_names_the_path_that_was_asked_for(intake: Behind) -> None:
    reference = (await intake.send(a_referral())).json()["reference"]
    path = f"/referrals/{reference}"
    refused = [
        await intake.look("/referrals/PIR-444-444"),
        await call(intake, "PATCH", "/referrals/PIR-444-444", {"notes": "x"}),
        await call(intake, "PATCH", path, {"firstName": "x"}),
        await call(intake, "POST", f"{path}/withdrawal", {}),
        await intake.send({}),
        await intake.look("/referrals", limit=0),
    ]
    assert [(each.status_code, each.json()["instance"]) for each in refused] == [
        (404, "/referrals/PIR-444-444"),
        (404, "/referrals/PIR-444-444"),
        (422, path),
        (422, f"{path}/withdrawal"),
        (422, "/referrals"),
        (422, "/referrals"),
    ]


async def test_a_key_that_is_not_known_is_told_from_one_that_is_missing(intake: Behind) -> None:
    for headers, name in (({}, "missing"), ({"Authorization": "Bearer nobodys"}, "unknown")):
        answer = await intake.http.get("/referrals", headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (401, f"urn:pir:problem:credentials-{name}")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_enquiry_is_told_from_a_referral_in_the_feed(intake: Behind) -> None:
    referrer = a_referral()["referrer"]
    made = {(await intake.send(a_referral())).json()["reference"]: "family"}
    for kind in ("consultation", "training"):
        sent = await call(intake, "POST", "/enquiries", {"kind": kind, "referrer": referrer, "topic": "Bonding"})
        made[sent.json()["reference"]] = kind
        assert (await intake.look(f"/referrals/{sent.json()['reference']}")).json()["kind"] == kind
    listed = {each["reference"]: each["kind"] for each in (await intake.look("/referrals", limit=200)).json()["items"]}
    assert made.items() <= listed.items()
    wrong = await call(intake, "POST", "/enquiries", {"kind": "x", "referrer": referrer, "topic": "Bonding"})
    assert wrong.json()["errors"][0]["detail"] == "This must be one of: 'consultation' or 'training'."


async def test_the_history_is_in_the_order_in_which_things_happened(intake: Behind) -> None:
    """A decision is heard of later than it was taken: an answer of the agency may be written before it."""
    sent = (await intake.send(a_referral())).json()
    path = f"/referrals/{sent['reference']}"
    await call(intake, "POST", f"{path}/information", {"notes": "Yes."})
    async with intake.admin.begin() as tx:
        for what, hours in (("decided", 1), ("received", -1)):
            late = "INSERT INTO history (referral_id, at, what) VALUES (:id, now() - make_interval(hours => :n), :what)"
            await tx.execute(sa.text(late), {"id": sent["id"], "n": hours, "what": what})
    history = (await intake.look(path)).json()["history"]
    assert [each["what"] for each in history] == ["decided", "received", "informed", "received"]
    assert [each["at"] for each in history] == sorted(each["at"] for each in history)


async def test_a_reference_that_is_taken_is_drawn_again_for_an_enquiry(
    intake: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = (await intake.send(a_referral())).json()["reference"]
    drawn = iter([taken, taken, "PIR-AAA-AAA"])
    monkeypatch.setattr(api, "new_reference", lambda _: next(drawn))
    asked = {"kind": "training", "referrer": a_referral()["referrer"], "topic": "Bonding"}
    answer = await call(intake, "POST", "/enquiries", asked)
    assert (answer.status_code, answer.json()["reference"]) == (201, "PIR-AAA-AAA")
    monkeypatch.setattr(api, "new_reference", lambda _: taken)
    assert (await call(intake, "POST", "/enquiries", asked)).status_code == 500
    kinds = await fetch(intake.engine, f"SELECT kind FROM referral WHERE reference = '{taken}'")
    assert [row.kind for row in kinds] == ["family"]


async def test_what_is_refused_is_in_the_log_with_its_agency_and_nothing_that_was_sent(intake: Behind) -> None:
    with capture_logs() as lines:
        assert (await intake.send(a_referral() | {"consent": "Qqzx"})).status_code == 422
        assert (await intake.send(a_referral(), token="no-such-key")).status_code == 401
        assert (await intake.look("/referrals/PIR-234-679")).status_code == 404
        assert (await intake.http.get("/refer/sign-in/code")).status_code < 500
        assert (await intake.send(a_referral())).status_code == 201
    refused = [line for line in lines if line["event"] == "request refused"]
    assert [(line["status"], line["method"], line["route"], line["caller"]) for line in refused] == [
        (422, "POST", "/referrals", "health-visiting"),
        (401, "POST", "/referrals", None),
        (404, "GET", "/referrals/{id}", "health-visiting"),
    ]
    assert "Qqzx" not in str(lines)
    assert "234-679" not in str(lines)
