"""Families hear: four processes, the stand-in for GOV.UK Notify as `make run` starts it, and nothing carried by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from notifications_python_client import NotificationsAPIClient

from deploy.local.govuk_process import GovukProcess
from shared.settings import ROOT
from tests.integration.family_site import policies_on
from tests.journeys.people import Agency
from tests.servers import Servers
from tests.system import System, call, eventually

PHONE, MAIL = "07700 900611", "canary.gull@example.org"


@pytest.fixture(scope="module")
def outside(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, GovukProcess]]:
    """The system with messages to families switched on, and where they end up."""
    name, folder = stack.new_database(), tmp_path_factory.mktemp("families-hear")
    system = System(stack, stack.url_of(name), folder, tree=ROOT)  # as `make run` begins them
    notify = GovukProcess(folder / "govuk-notify.log")
    notify.start(system.url("notify"))
    system.tell(PIR_POLICIES_DIR=str(policies_on(folder / "policies")), **notify.environment)
    try:
        with system:
            yield system, notify
    finally:
        notify.stop()
    stack.drop_database(name)


def family(channel: str, **more: Any) -> dict[str, Any]:
    wanted = {"channel": channel, "is_safe": True, "told_by": "family"}
    carer = {"relationship": "mother", "given_name": "Gull", "phone": PHONE, "email": MAIL, "messages": wanted}
    return {
        "referrer": {"name": "Ada Okoro", "role": "Health visitor", "email": "ada.okoro@example.org"},
        "babies": [{"date_of_birth": "2026-06-01"}],
        "caregivers": [carer | more],
        "consent": {"status": "given"},
        "concern": {"severity": "mild"},
    }


def messages_about(system: System, reference: str) -> list[dict[str, Any]]:
    """Those to the family, as a member of the team sees them."""
    token = system.credentials["secrets"]["PIR_TOKEN_TRIAGE_NOTIFY"]
    found = call("GET", f"{system.url('notify')}/internal/messages/{reference}", token=token)
    return [each for each in found.body["items"] if each["audience"] == "household"]


def has_state(system: System, reference: str, state: str) -> list[dict[str, Any]]:
    return eventually(
        lambda: [each for each in messages_about(system, reference) if each["state"] == state],
        what=f"a message that is {state}",
    )


def test_a_family_hears_and_a_loss_and_a_stop_end_it(outside: tuple[System, GovukProcess]) -> None:
    system, notify = outside
    agency = Agency(system, "health-visiting")
    by_text, by_mail = agency.refers(family("sms")), agency.refers(family("email", phone=None))
    for reference in (by_text, by_mail):
        has_state(system, reference, "delivered")  # by the receipt that came back
    client = NotificationsAPIClient(notify.key, base_url=notify.url)
    sent = client.get_all_notifications()["notifications"]
    assert sorted(each["type"] for each in sent) == ["email", "sms"]
    [text] = [each for each in sent if each["type"] == "sms"]
    assert text["phone_number"] == "+447700900611"
    assert "we have your request" in text["body"]
    assert call("GET", f"{notify.url}/sent").body["sent"]

    held = agency.refers(family("sms", safe_contact="Only on Mondays"))
    [message] = has_state(system, held, "held")
    assert (message["held_because"], message["can_be_released"]) == ("unclear", True)

    answered = call("POST", f"{notify.url}/reply", body={"number": "447700900611", "message": "STOP"})
    assert answered.body == {"status": 200}
    stopped = agency.refers(family("sms", given_name="Another"))
    [message] = has_state(system, stopped, "held")
    assert message["held_because"] == "stopped"
    answered = call("POST", f"{notify.url}/reply", body={"number": "447700900611", "message": "Who is this?"})
    assert answered.body == {"status": 200}

    def rings() -> list[dict[str, Any]]:
        path = f"{system.url('triage')}/queues/review?view=unassigned&limit=50"
        found = call("GET", path, token=system.staff_token()).body["items"]
        return [each for each in found if "family_replied" in each["marks"]]

    assert len(eventually(rings, what="work for a person who rings")) == 1
    assert len(client.get_all_notifications()["notifications"]) == 2
    for service in ("notify", "triage", "metrics", "referral"):
        log = system.log(service).read_text()
        assert not any(canary in log for canary in ("900611", MAIL, "Gull", "Who is this")), service
    totals = system.totals_at_rest()
    assert totals["acknowledged"] == totals["received"]
