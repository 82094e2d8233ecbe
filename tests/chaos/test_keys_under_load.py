"""Every key is changed while agencies send referrals: no request fails, and in the end the old keys are gone.

Two copies of the referral service stand behind what a proxy does: a copy that does not answer is passed over. They are
started again one after the other, as docs/operations.md says.
"""

from __future__ import annotations

import base64
import http.client
import json
import secrets
import time
from http import HTTPStatus
from typing import Any, Final, cast

import pytest
from pydantic import SecretStr

from services.referral.identity import Identities, Sealed
from shared.encryption_keys import HeldKey
from tests.families import a_referral
from tests.system import Reply, System, call, eventually, under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(580)]

KEYS: Final = ("PIR_MASTER_KEY", "PIR_INDEX_KEY", "PIR_TRIAGE_MASTER_KEY")
WORDS: Final = "Rang twice, nobody there"
WITH_KEYS: Final = ("referral", "triage")


class Proxy:
    """Sends to whichever copy answers."""

    def __init__(self, *copies: System) -> None:
        self.copies = copies

    def send(self, body: dict[str, Any], *, key: str, slug: str = "health-visiting") -> Reply:
        for copy in self.copies * 2:
            try:
                return copy.send(body, key=key, slug=slug)
            except (OSError, http.client.HTTPException):
                continue
        raise OSError("no copy answers")


def start_again(system: System, copy: System, **variables: str) -> None:
    """With other settings: one copy of the referral service after the other, and triage, which nobody waits for."""
    for each in (system, copy):
        each.tell(**variables)
    assert system.stop("triage") == 0
    system.start("triage")
    for each in (copy, system):
        assert each.stop("referral") == 0
        each.start("referral")
        each.wait_until_ready("referral")
    system.wait_until_ready("triage")


def test_each_key_is_changed_under_load_and_no_request_fails(system: System) -> None:
    old = {
        name: system.environment_of(service)[name]
        for name, service in zip(KEYS, ("referral", "referral", "triage"), strict=True)
    }
    new = {name: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode() for name in KEYS}
    early = a_referral()
    reference = system.send(early).body["reference"]
    item = write_a_note(system, reference)
    with system.second_copies("referral") as copy:
        copy.wait_until_ready("referral")
        proxy = cast("System", Proxy(system, copy))
        with under_load(proxy, senders=3, pause=0.2) as load:
            start_again(system, copy, **{f"{name}_BEFORE": key for name, key in new.items()})
            start_again(system, copy, **new, **{f"{name}_BEFORE": key for name, key in old.items()})
            began = time.monotonic()
            said = [system.run(f"services.{name}", "keys", "rotate", "--leave-rest") for name in WITH_KEYS]
            seconds = time.monotonic() - began
            start_again(system, copy, **{f"{name}_BEFORE": "" for name in KEYS})
            system.run("services.referral", "keys", "rotate")
    print(
        f"\nkeys changed under load: {len(load.accepted)} accepted, answers {dict(load.statuses)}, "
        f"{load.refused_connections} refused connections, longest answer {load.longest_seconds:.1f} s, "
        f"rotation {seconds:.1f} s\n{''.join(said)}"
    )
    assert load.unexpected == []
    assert load.refused_connections == 0
    assert set(load.statuses) == {HTTPStatus.CREATED}
    stored = system.query("SELECT id, reference, wrapped_key, identity FROM referral.referral")
    assert {row["reference"] for row in stored} == {*load.accepted, reference}
    identities = Identities(**{use: a_held_key(use, new[f"PIR_{use.upper()}_KEY"]) for use in ("master", "index")})
    for row in stored:
        assert identities.unseal(row["id"], Sealed(row["wrapped_key"], row["identity"]))["document"]["babies"]
    assert "not given" not in "".join(system.run(f"services.{name}", "keys", "status") for name in WITH_KEYS)
    again = system.send(early)
    assert (again.status, again.body["reference"]) == (HTTPStatus.OK, reference)
    assert system.totals_at_rest()["triaged"] == len(stored)
    assert system.query("SELECT id, cause FROM referral.parked UNION ALL SELECT id, cause FROM triage.parked") == []
    shown = call("GET", f"{item}?why=covering", token=system.staff_token())
    assert (shown.status, WORDS in json.dumps(shown.body)) == (HTTPStatus.OK, True), shown.body
    for name, key in old.items():
        assert_refused(system, name, key)
    feed = call("GET", f"{system.url('referral')}/referrals?limit=10", token=system.agency_key())
    assert all(item["external_reference"] for item in feed.body["items"])


def write_a_note(system: System, reference: str) -> str:
    """On the item of a referral; returns its address."""

    def found() -> list[Any]:
        return system.query("SELECT id FROM triage.work_item WHERE reference = $1", reference)

    item = f"{system.url('triage')}/work-items/{eventually(found, what='work')[0]['id']}"
    written = call("POST", f"{item}/note", token=system.staff_token(), body={"text": WORDS})
    assert written.status == HTTPStatus.OK, written.body
    return item


def a_held_key(use: str, text: str) -> HeldKey:
    return HeldKey.of(use, use, SecretStr(text), None)


def assert_refused(system: System, name: str, key: str) -> None:
    """The service does not start with the old key any more, and says which variable is wrong."""
    service = "triage" if "TRIAGE" in name else "referral"
    kept = system.environment_of(service)[name]
    system.tell(**{name: key})
    code, said = system.tries(f"services.{service}", "keys", "status")
    system.tell(**{name: kept})
    assert (code, f"{name} is not the key of this database" in said) == (2, True), said
