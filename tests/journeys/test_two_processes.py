"""A service as two processes, its HTTP side and its work: what happens to the work never takes the intake along."""

from __future__ import annotations

import http
import signal

from tests.families import a_referral
from tests.system import System, call, eventually


def test_the_intake_goes_on_while_the_work_stands_still_and_after_it_was_killed(system: System) -> None:
    # Given a referral service whose HTTP side and work are two processes
    before = system.totals_at_rest()["acknowledged"]
    with system.in_two_processes("referral") as work:
        # When the work stands still, and is killed
        work.send_signal(signal.SIGSTOP)
        references = [taken(system) for _ in range(5)]
        work.kill()
        work.wait()
        references += [taken(system) for _ in range(5)]
        # Then referrals are taken all along, and wait
        assert system.is_ready("referral")
        waiting = system.query("SELECT count(*) AS events FROM referral.outbox")[0]["events"]
        assert waiting >= len(references)
        # And once there is somebody to work, everything that was accepted is handled
        with system.another_process("referral", only="work"):
            totals = system.totals_at_rest()
            assert totals["acknowledged"] == before + len(references)
    decided = system.query("SELECT reference FROM triage.referral WHERE reference = ANY($1::text[])", references)
    assert {row["reference"] for row in decided} == set(references)


def test_the_intake_ends_and_the_work_goes_on(system: System) -> None:
    # Given referrals that were accepted
    with system.in_two_processes("referral"):
        reference = taken(system)
        # When the HTTP side is killed at once
        system.kill("referral")
        # Then what it accepted is still sent and handled
        eventually(
            lambda: system.query("SELECT 1 FROM triage.decision d JOIN triage.referral r ON r.id = d.referral_id"
                                 " WHERE r.reference = $1", reference),
            what="a decision",
        )  # fmt: skip
        system.start("referral", "--only", "http")
        system.wait_until_ready()
    assert call("GET", f"{system.url('referral')}/health/ready").status == http.HTTPStatus.OK


def taken(system: System) -> str:
    reply = system.send(a_referral())
    assert reply.status == http.HTTPStatus.CREATED, reply.body
    return str(reply.body["reference"])
