"""Mail goes to a real mail server by SMTP while services are killed: every receipt once, but for a lost answer.

A sender that dies between the server's yes and its own note of it has to send again: nobody can tell whether the yes
was said. Such a second copy carries the same Message-ID, by which mail programs show it once. The server's journal
says of every mail whether its sender knew (tests/mail_server.py); one that knew never sends again.

Twenty rounds take minutes, so they are run by `make test-faults` alone. One of them, with its figures:
`make test-faults ARGS="-s -k 'same_message_id and [7]'"`.
"""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from collections.abc import Iterator

import pytest

from deploy.local.kafka import Kafka
from tests.mail_server import LONGEST_SECONDS, MailServer, Taken
from tests.servers import Servers
from tests.system import System, under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

ROUNDS = 20 if os.environ.get("PIR_FAULTS") else 1
"""Twenty take minutes: `make test-faults`. The first runs with all other tests."""
KILLS = 3
"""Of the notify service, in each round."""


@pytest.fixture(scope="module")
def accepted() -> set[str]:
    """Every reference that was ever answered with 201 in this module."""
    return set()


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with MailServer(tmp_path_factory.mktemp("mail") / "journal.jsonl").running() as server:
        yield server


@pytest.fixture(scope="module")
def system(stack: Servers, mail: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    name = stack.new_database()
    system = System(stack, stack.url_of(name), tmp_path_factory.mktemp("system"))
    del system._environment["PIR_MAIL_DIR"]
    system._environment |= {
        "PIR_SMTP_HOST": "127.0.0.1",
        "PIR_SMTP_PORT": str(mail.port),
        "PIR_SMTP_TLS": "none",
        "PIR_RETRY_FIRST_SECONDS": "1",
    }
    with system:
        yield system
    stack.drop_database(name)


def hurt(system: System, kafka: Kafka, mail: MailServer, chance: random.Random) -> None:
    """Kill the notify service at random moments, half of them with a mail on its way; others and Kafka beside it."""
    for _ in range(KILLS):
        other = chance.choice(["referral", "triage", "kafka", "nobody"])
        if other == "kafka":
            kafka.pause()
        elif other != "nobody":
            system.kill(other)
            system.start(other)
        if chance.random() < 0.5:
            mail.wait_for_mail(seconds=5)
            time.sleep(chance.uniform(0, LONGEST_SECONDS))
        else:
            time.sleep(chance.uniform(0, 1.5))
        system.kill("notify")
        time.sleep(chance.uniform(0, 0.3))
        system.start("notify")
        time.sleep(chance.uniform(0, 1.5))
        kafka.resume()
        system.wait_until_ready()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_receipt_is_mailed_once_or_again_under_the_same_message_id(
    system: System, kafka: Kafka, mail: MailServer, accepted: set[str], seed: int
) -> None:
    before = len(mail.taken())
    with under_load(system, senders=2, pause=0.4) as load:
        hurt(system, kafka, mail, random.Random(seed))
    system.totals_at_rest()
    accepted.update(load.accepted)
    taken = mail.taken()
    by_id = copies_of(taken)
    again = [copies for copies in by_id.values() if len(copies) > 1]
    missing = accepted - {each.reference for each in taken if each.kind == "receipt"}
    print(
        f"\nseed {seed}: {len(load.accepted)} accepted, {len(taken) - before} mails taken; up to now {len(accepted)}"
        f" receipts, {len(missing)} missing, {len(again)} mails twice after a lost answer"
    )
    assert load.unexpected == []
    assert load.accepted
    assert missing == set()
    assert sent_although_known(again) == []
    assert messages_of(taken, "receipt") == dict.fromkeys(accepted, 1)
    assert messages_of(taken, "decision") == dict.fromkeys(accepted, 1)
    assert system.query("SELECT id FROM notify.message WHERE state <> 'sent'") == []


def copies_of(taken: list[Taken]) -> dict[str, list[Taken]]:
    """Every acceptance of each Message-ID."""
    found = defaultdict(list)
    for each in taken:
        found[each.message_id].append(each)
    return found


def sent_although_known(again: list[list[Taken]]) -> list[list[Taken]]:
    """Those whose sender knew of a yes before it sent them once more."""
    return [copies for copies in again if any(each.is_answered for each in copies[:-1])]


def messages_of(taken: list[Taken], kind: str) -> dict[str, int]:
    """How many different mails of a kind there are about each referral."""
    found: dict[str, set[str]] = defaultdict(set)
    for each in taken:
        if each.kind == kind:
            found[each.reference].add(each.message_id)
    return {reference: len(ids) for reference, ids in found.items()}
