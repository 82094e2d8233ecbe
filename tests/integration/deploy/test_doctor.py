"""`deploy.doctor` says what is wrong before a service starts, and leaves everything as it was."""

from __future__ import annotations

import asyncio
import base64
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from deploy.doctor import around
from services.triage.settings import Settings as TriageSettings
from shared.events import TRIAGE_TOPIC
from shared.settings import ROOT
from tests import programs
from tests.integration.conftest import NOWHERE
from tests.integration.support import eventually
from tests.servers import Servers, admin
from tests.system import NAMES, System

ANOTHER_KEY: Final = base64.urlsafe_b64encode(b"k" * 32).decode()


def says(environment: dict[str, str], name: str) -> tuple[int, str]:
    done = programs.run("deploy.doctor", name, environment=environment)
    return done.returncode, done.stdout + done.stderr


def wrong(said: str) -> list[str]:
    return re.findall(r"^WRONG  (.+)$", said, re.MULTILINE)


def elsewhere(url: str, **parts: str) -> str:
    """The URL with another user, password, place or name."""
    found = re.fullmatch(r"(?P<scheme>\w+)://(?P<user>[^:]*):(?P<password>[^@]*)@(?P<place>[^/]*)/(?P<name>\w+)", url)
    assert found
    return "{scheme}://{user}:{password}@{place}/{name}".format(**found.groupdict() | parts)


async def test_a_topic_that_is_missing_is_named(stack: Servers, settings: dict[str, Any]) -> None:
    """First of all: consumers of this name that saw it would leave the next ones without a share (left_out.py)."""
    known = TriageSettings(**settings | {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka_bootstrap_servers})
    await stack.empty_topics()
    assert [str(each.grade) for each in [found async for found in around.ask_kafka(known)]] == ["well"]
    async with admin(stack.kafka_bootstrap_servers) as client:
        await client.delete_topics([TRIAGE_TOPIC])

        async def is_gone() -> bool:
            return TRIAGE_TOPIC not in await client.list_topics()

        await eventually(is_gone, what="a topic that is gone")
    [found] = [found async for found in around.ask_kafka(known)]
    assert (found.grade, TRIAGE_TOPIC in found.what) == ("WRONG", True)
    await stack.empty_topics()


@pytest.mark.parametrize("name", NAMES)
def test_a_service_that_runs_is_well(system: System, name: str) -> None:
    code, said = says(system.environment_of(name), name)
    assert (code, wrong(said)) == (0, []), said
    assert {"policy", "disk", "PostgreSQL", "Kafka"} <= set(re.findall(r"^well   ([\w-]+):", said, re.MULTILINE))
    assert said.endswith(f"{name} can start\n")
    for secret in (*system.credentials["secrets"].values(), system.environment_of(name)["DATABASE_URL"]):
        assert secret not in said


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"password": "guessed"}, "the password of DATABASE_URL is wrong"),
        ({"place": NOWHERE}, "nobody listens at the host and port"),
        ({"place": "no-such-host.invalid:5432"}, "has no address"),
        ({"name": "nothing"}, "the database of DATABASE_URL does not exist"),
    ],
)
def test_a_database_that_can_not_be_entered_says_why(system: System, parts: dict[str, str], words: str) -> None:
    known = system.environment_of("triage")
    code, said = says(known | {"DATABASE_URL": elsewhere(known["DATABASE_URL"], **parts)}, "triage")
    [line] = wrong(said)
    assert (code, words in line) == (1, True), said


def test_the_way_by_a_pooler_is_tried(system: System) -> None:
    known = system.environment_of("triage")
    for place, found in (
        (known["DATABASE_URL"], "well   pooler: calls and pages can go by it"),
        (elsewhere(known["DATABASE_URL"], place=NOWHERE), "at the host and port of PIR_POOLED_DATABASE_URL"),
        (system.environment_of("notify")["DATABASE_URL"], "PIR_POOLED_DATABASE_URL is not that of triage"),
    ):
        code, said = says(known | {"PIR_POOLED_DATABASE_URL": place}, "triage")
        assert (code, found in said) == (int(not found.startswith("well")), True), said


def test_the_role_of_another_service_is_found_and_all_rights_are_said(system: System) -> None:
    as_notify = {"DATABASE_URL": system.environment_of("notify")["DATABASE_URL"]}
    code, said = says(system.environment_of("triage") | as_notify, "triage")
    assert (code, "is not that of triage" in said) == (1, True), said
    code, said = says(system.environment_of("triage") | {"DATABASE_URL": system.database_url}, "triage")
    assert (code, "is a superuser" in said) == (0, True), said


@pytest.mark.parametrize(("name", "variable"), [("referral", "PIR_MASTER_KEY"), ("triage", "PIR_TRIAGE_MASTER_KEY")])
def test_the_key_of_another_database_is_found(system: System, name: str, variable: str) -> None:
    code, said = says(system.environment_of(name) | {variable: ANOTHER_KEY}, name)
    [line] = wrong(said)
    assert (code, variable in line) == (1, True), said


def test_nothing_is_written_not_even_a_first_key(system: System, stack: Servers, database: str) -> None:
    url = elsewhere(database, **credentials_in(system.environment_of("triage")["DATABASE_URL"]))
    code, said = says(system.environment_of("triage") | {"DATABASE_URL": url}, "triage")
    assert (code, wrong(said)) == (0, []), said
    for table in ("key_check", "audit"):
        assert ask(database, f"SELECT count(*) FROM triage.{table}") == 0


@pytest.mark.parametrize(("change", "words"), [("DROP TABLE public.pir_version", "empty"), (None, "revision 0001")])
def test_a_database_before_the_deploy_step_is_found(
    system: System, database: str, change: str | None, words: str
) -> None:
    ask(database, change or "UPDATE public.pir_version SET version_num = '0001'")
    code, said = says(system.environment_of("metrics") | {"DATABASE_URL": database}, "metrics")
    [line] = wrong(said)
    assert (code, words in line, "run the deploy step" in line) == (1, True, True), said


def test_what_is_away_is_named_with_its_variable(system: System, tmp_path: Path) -> None:
    """Kafka, the mail server and the provider at once: each has a line of its own."""
    told = {
        "KAFKA_BOOTSTRAP_SERVERS": NOWHERE,
        "PIR_MAIL_DIR": "",
        "PIR_MAIL_FROM": "r@example.org",
        "PIR_SMTP_HOST": "127.0.0.1",
        "PIR_SMTP_PORT": "1",
        "PIR_OIDC_METADATA_URL": f"http://{NOWHERE}/.well-known/openid-configuration",
    }
    code, said = says({**system.environment_of("notify"), **told}, "notify")
    kafka, mail = wrong(said)
    assert (code, "KAFKA_BOOTSTRAP_SERVERS" in kafka, "PIR_SMTP_PORT" in mail) == (1, True, True), said
    code, said = says(
        system.environment_of("metrics") | {"PIR_OIDC_METADATA_URL": told["PIR_OIDC_METADATA_URL"]}, "metrics"
    )
    assert "PIR_OIDC_METADATA_URL" in wrong(said)[0], said


def test_settings_that_are_missing_are_all_named_at_once(system: System) -> None:
    known = system.environment_of("referral")
    code, said = says(
        {name: known[name] for name in known if name not in ("DATABASE_URL", "PIR_MASTER_KEY")}, "referral"
    )
    assert code == 2
    assert {line.split()[1] for line in wrong(said)} == {"DATABASE_URL", "PIR_MASTER_KEY"}, said


def test_files_that_can_not_be_used_are_named(system: System, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = {"PIR_POLICIES_DIR": str(tmp_path), "PIR_AUDIT_HEADS_FILE": str(tmp_path / "file" / "heads.jsonl")}
    code, said = says(system.environment_of("triage") | told, "triage")
    assert code == 1
    assert {line.partition(":")[0] for line in wrong(said)} == {"policy", "audit"}, said


def test_it_needs_nothing_that_is_not_in_the_image() -> None:
    """Compose runs it there; .dockerignore says what is left out."""
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("deploy/")]
    left_out = [line.removesuffix(".py").replace("/", ".") for line in ignored]
    code = f"""
import sys
class LeftOut:
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in {left_out}):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, LeftOut())
import deploy.doctor.__main__
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_files_of_kafka_that_are_missing_are_named(system: System) -> None:
    code, said = says(system.environment_of("triage") | {"PIR_KAFKA_CA_FILE": "/nowhere/ca.pem"}, "triage")
    [line] = wrong(said)
    assert (code, line) == (1, "Kafka: a file of PIR_KAFKA_..._FILE can't be used (FileNotFoundError)"), said


def test_a_role_that_may_see_nothing_is_told_from_the_right_one(system: System, database: str) -> None:
    ask(database, "REVOKE ALL ON public.pir_version FROM PUBLIC, pir_triage")
    url = elsewhere(database, **credentials_in(system.environment_of("triage")["DATABASE_URL"]))
    code, said = says(system.environment_of("triage") | {"DATABASE_URL": url}, "triage")
    [line] = wrong(said)
    assert (code, "is the role that of triage?" in line) == (1, True), said


def credentials_in(url: str) -> dict[str, str]:
    user, _, password = url.partition("://")[2].partition("@")[0].partition(":")
    return {"user": user, "password": password}


def ask(url: str, statement: str) -> Any:
    async def asked() -> Any:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(asked())
