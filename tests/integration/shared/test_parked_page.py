"""The page of parked messages, from poison on a real Kafka to its end, in a browser without scripts; four processes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from shared.access import Role
from shared.events import REFERRAL_TOPIC
from tests.families import a_referral
from tests.integration.support import an_event, headers_of, producer
from tests.journeys.people import Agency
from tests.rendering import Page
from tests.signing_in import Browser
from tests.system import NAMES, System, eventually

PARKED = "/staff/parked"
CALM = "Nothing is parked here. Every event was handled."


@pytest.fixture
def operations(system: System) -> Iterator[Browser]:
    with Browser(system.url("triage")) as browser:
        browser.sign_in(Role.OPERATIONS)
        yield browser


@pytest.fixture
def auditor(system: System) -> Iterator[Browser]:
    with Browser(system.url("triage")) as browser:
        browser.sign_in(Role.AUDITOR)
        yield browser


def words(browser: Browser) -> str:
    return Page(browser.page.text).words("main")


def poison(system: System) -> dict[str, asyncpg.Record]:
    """A withdrawal that says nothing; by service the row of it, once it is parked in all that hear of withdrawals."""
    event = an_event()

    async def put() -> None:
        async with producer(system.servers.kafka_bootstrap_servers) as sender:
            key = str(event.key).encode()
            await sender.send_and_wait(REFERRAL_TOPIC, b'{"reason": "Qqzx"}', key=key, headers=headers_of(event))

    asyncio.run(put())
    return {name: row_of(system, name, str(event.key)) for name in ("triage", "notify", "metrics")}


def row_of(system: System, service: str, key: str) -> asyncpg.Record:
    """The row of a key that waits in a service, once it is there."""
    statement = f"SELECT * FROM {service}.parked WHERE key = $1 AND resolved_at IS NULL ORDER BY id LIMIT 1"
    [row] = eventually(lambda: system.query(statement, key), what=f"something parked in {service}")
    return row


def test_when_nothing_is_parked_the_page_says_so_and_how_every_service_is(system: System, operations: Browser) -> None:
    assert words(operations).count("nothing is parked") == len(NAMES)
    operations.follow("Parked messages")

    def is_calm() -> bool:  # what was published stands there for up to a second
        operations.open(PARKED)
        shown = words(operations)
        return [shown.count(each) for each in ("Nothing waits", "Works", "Up to date", CALM)] == [3, 4, 4, 4]

    eventually(is_calm, what="three outboxes that are empty, and four services that have read everything")
    shown = words(operations)
    assert shown.count("It tells nobody anything") == 1


def test_what_can_not_be_read_is_seen_and_given_up_with_a_reason(system: System, operations: Browser) -> None:
    rows = poison(system)
    operations.open("/staff")
    assert words(operations).count("1 parked") == 3
    operations.open(PARKED)
    assert "Qqzx" not in operations.page.text
    assert words(operations).count("A referral was withdrawn") == 3
    assert words(operations).count("What it says is not as it should be.") == 3

    for name, row in rows.items():
        where = f"{PARKED}/{name}/{row['id']}/discard"
        operations.open(where)
        assert "The event is then never handled" in words(operations)
        assert row_of(system, name, row["key"])["id"] == row["id"], "to look at the form gives nothing up"
        assert operations.send(where).status_code == 422
        assert "Choose why you give this up" in words(operations)
        assert operations.send(where, reason="other").status_code == 422
        assert operations.send(where, reason="other", words="Sent by the load test").url.path == PARKED
        assert "It is given up." in words(operations)
        [kept] = system.query(f"SELECT * FROM {name}.parked WHERE id = $1", row["id"])
        assert (kept["resolution"], kept["resolved_by"]) == ("discarded", "dev-operations")
        assert (kept["reason"], kept["value"]) == ("other: Sent by the load test", None)
    for name in ("triage", "notify"):
        statement = f"SELECT actor_id FROM {name}.audit WHERE action = 'parked.discarded' AND detail = $1"
        assert [row["actor_id"] for row in system.query(statement, str(rows[name]["id"]))] == ["dev-operations"]
    assert words(operations).count(CALM) == 4


def test_an_auditor_sees_the_same_and_can_change_nothing(system: System, operations: Browser, auditor: Browser) -> None:
    row = poison(system)["triage"]
    auditor.open(PARKED)
    assert "A referral was withdrawn" in words(auditor)
    assert "Try again" not in words(auditor)
    assert "Give up" not in words(auditor)
    here = f"{PARKED}/triage/{row['id']}"
    assert auditor.send(f"{here}/replay").status_code == 403
    assert auditor.open(f"{here}/discard").status_code == 403
    auditor.open(PARKED)
    assert auditor.send(f"{here}/discard", reason="test").status_code == 403
    give_up_everything(system, operations)


def give_up_everything(system: System, operations: Browser) -> None:
    for name in NAMES:
        for row in system.query(f"SELECT id FROM {name}.parked WHERE resolved_at IS NULL ORDER BY id"):
            operations.open(where := f"{PARKED}/{name}/{row['id']}/discard")
            assert operations.send(where, reason="test").status_code == 200


def test_once_the_cause_is_mended_another_try_handles_it_with_what_waits_behind(
    system: System, operations: Browser
) -> None:
    agency = Agency(system, "health-visiting")
    before = system.totals()
    # Only a receipt says who looks after the baby: what triage decides of the same referral is counted meanwhile.
    system.query("ALTER TABLE metrics.referral ADD CONSTRAINT broken CHECK (carer IS NULL) NOT VALID")
    receipt = agency.call("POST", "/referrals", a_referral()).body
    row = row_of(system, "metrics", receipt["id"])
    assert agency.withdraws(receipt["reference"]).status == 200
    eventually(lambda: len(waiting(system, receipt["id"])) == 2, what="the withdrawal behind it")

    operations.open(PARKED)
    assert "A referral came in" in words(operations)
    assert "1 later event about the same referral or agency" in words(operations)
    again = f"{PARKED}/metrics/{row['id']}/replay"
    assert operations.send(again).status_code == 409
    assert "There is a problem It still can't be handled. Mend the cause first" in words(operations)
    assert len(waiting(system, receipt["id"])) == 2

    system.query("ALTER TABLE metrics.referral DROP CONSTRAINT broken")
    assert operations.send(again).url.path == PARKED
    assert "It is handled now, and so is what waited behind it." in words(operations)
    assert words(operations).count(CALM) == 4
    assert system.totals()["received"] == before["received"] + 1
    [counted] = system.query("SELECT * FROM metrics.referral WHERE id = $1", receipt["id"])
    assert counted["withdrawn_at"]
    assert operations.send(again).status_code == 409
    assert "This message does not wait any more." in words(operations)


def waiting(system: System, key: str) -> list[asyncpg.Record]:
    return system.query("SELECT id FROM metrics.parked WHERE key = $1 AND resolved_at IS NULL", key)


def test_a_service_that_does_not_answer_is_shown_as_such_beside_the_others(system: System, operations: Browser) -> None:
    system.kill("metrics")
    try:
        operations.open("/staff")
        assert "Metrics service: it does not answer" in words(operations)
        operations.open(PARKED)
        assert "The Metrics service does not answer now." in words(operations)
        assert (words(operations).count("Works"), words(operations).count(CALM)) == (3, 3)
        assert operations.send(f"{PARKED}/metrics/1/replay").status_code == 503
        assert "The Metrics service did not answer in time." in words(operations)
        assert operations.open(f"{PARKED}/metrics/1/discard").status_code == 503
    finally:
        system.start("metrics")
        system.wait_until_ready()


@pytest.mark.parametrize("place", ["metrics/1", "metrics/0", "metrics/x", "elsewhere/1", f"metrics/{2**63}"])
def test_what_does_not_wait_has_no_form(operations: Browser, place: str) -> None:
    assert operations.open(f"{PARKED}/{place}/discard").status_code in (404, 422)


def test_the_page_can_be_read_without_seeing_it(system: System, operations: Browser) -> None:
    row = poison(system)["triage"]
    for path in (PARKED, f"{PARKED}/triage/{row['id']}/discard"):
        page = Page(operations.open(path).text)
        assert page.is_harmless
        assert len(page.all("h1")) == 1
        assert len(page.all("caption")) == len(page.all("table"))
        ids = [each["id"] for _, each in page.elements if "id" in each]
        assert len(ids) == len(set(ids))
        fields = [each for tag in ("input", "textarea") for each in page.all(tag) if each.get("type") != "hidden"]
        assert {each["id"] for each in fields} <= {label["for"] for label in page.all("label")}
    give_up_everything(system, operations)
