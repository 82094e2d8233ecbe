"""The samples for systemd, as docs/without-docker.md has them: a referral goes its whole way in four services of their
own user's environment, in production, with secrets from files.

systemd itself is not there: what a unit says of program, environment and files is done as it would do it.
"""

from __future__ import annotations

import asyncio
import http.client
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from dotenv import dotenv_values

from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.secrets import main as make_secrets
from deploy.service_secrets import main as write_secrets
from deploy.service_secrets import write
from shared.settings import ROOT
from tests import programs
from tests.families import a_referral
from tests.mail_server import MailServer
from tests.programs import Program
from tests.servers import Servers, beside
from tests.system import NAMES, call, eventually

SAMPLES: Final = ROOT / "deploy" / "systemd"
TO_FILL_IN: Final = {"PIR_OIDC_CLIENT_SECRET": "from the provider"}
"""What the page says to add to the file of secrets."""


class Machine:
    """Folders in place of /etc/pir and /var/lib/pir, with all that the page says to put there."""

    def __init__(self, folder: Path, database_url: str, brokers: str, mail: MailServer) -> None:
        self.mail, self.etc, self.var = mail, folder / "etc", folder / "var"
        self.etc.mkdir()
        self.var.mkdir()
        for sample in SAMPLES.glob("*.env"):
            shutil.copy(sample, self.etc)
        shutil.copytree(ROOT / "deploy" / "policies", self.etc / "policies")
        self.changes = {
            "KAFKA_BOOTSTRAP_SERVERS": brokers,
            "PIR_POLICY_ACCEPTED_BY": "A. Person, for a test",
            "PIR_SMTP_HOST": "127.0.0.1",
            "PIR_SMTP_PORT": str(mail.port),
            "PIR_SMTP_TLS": "none",
        }
        self.ports = {str(port): str(free_port()) for base in (8000, 9000) for port in range(base + 1, base + 5)}
        assert make_secrets([str(folder / ".env")]) is None
        with (folder / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in TO_FILL_IN.items())
        self.command = ["service_secrets", str(folder / ".env"), "--database", database_url]
        self.command += ["--folder", str(self.etc / "secrets")]

    def unit(self, name: str) -> tuple[str, dict[str, str]]:
        """The module that a unit starts, and the environment that it gives it."""
        template, _, instance = name.partition("@")
        text = (SAMPLES / (f"{template}@.service" if instance else f"{name}.service")).read_text(encoding="utf-8")
        said = re.findall(r"^(\w+)=(.*)$", text.replace("%i", instance), re.MULTILINE)
        values: dict[str, str] = {}
        for key, value in said:
            if key == "EnvironmentFile":
                file = self.etc / value.removeprefix("-").removeprefix("/etc/pir/")
                values |= {name: each or "" for name, each in dotenv_values(file, interpolate=False).items()}
            elif key == "Environment":
                values |= dotenv_values(stream=StringIO(value))  # type: ignore[arg-type]
        [program] = [value for key, value in said if key == "ExecStart"]
        found = re.fullmatch(r"/opt/pir/\.venv/bin/python -m ([\w.]+)", program)
        assert found
        values.pop("PIR_KAFKA_USER", None)  # the tests' Kafka lets everybody in
        values |= {
            name: value for name, value in self.changes.items() if name in values or name.startswith("PIR_POLICY")
        }
        return found[1], {name: self._here(value) for name, value in values.items()}

    def _here(self, value: str) -> str:
        value = value.replace("/etc/pir", str(self.etc)).replace("/var/lib/pir", str(self.var))
        return re.sub(r"(?<![\d.])([89]00[1-4])\b", lambda port: self.ports[port[1]], value)

    def environment(self, name: str) -> dict[str, str]:
        return {"PATH": os.environ["PATH"]} | self.unit(name)[1]


@pytest.fixture(scope="module")
def machine(stack: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """With a database cluster of its own: the deploy step gives its roles passwords."""
    folder = tmp_path_factory.mktemp("machine")
    with ExitStack() as opened:
        mail = opened.enter_context(MailServer(folder / "journal.jsonl").running())
        postgres = opened.enter_context(beside(partial(Postgres, is_durable=False)))
        made = Machine(folder, postgres.url, stack.kafka_bootstrap_servers, mail)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("sys.argv", made.command)
            write_secrets()
        for kept in (made.etc / "secrets").glob("*/PIR_KAFKA_PASSWORD"):
            kept.unlink()
        yield made


def test_a_service_sees_its_own_secrets_alone(machine: Machine) -> None:
    for unit, name in (("pir@.service", "%i"), ("pir-setup.service", "setup")):
        lines = (SAMPLES / unit).read_text(encoding="utf-8").splitlines()
        assert {"TemporaryFileSystem=/etc/pir/secrets:ro", f"BindReadOnlyPaths=/etc/pir/secrets/{name}"} <= set(lines)
    kept = machine.etc / "secrets"
    assert sorted(each.name for each in kept.iterdir()) == sorted((*NAMES, "setup"))
    for folder in kept.iterdir():
        assert folder.stat().st_mode & 0o077 == 0
        assert [file for file in folder.iterdir() if file.stat().st_mode & 0o177] == []
    assert (kept / "referral" / "PIR_MASTER_KEY").exists()
    assert not any((kept / name / "PIR_MASTER_KEY").exists() for name in NAMES if name != "referral")


def test_a_secret_that_is_not_given_any_more_is_gone(tmp_path: Path) -> None:
    write({"referral": {"A": "a", "B": "b"}}, tmp_path)
    write({"referral": {"B": "c"}}, tmp_path)
    assert {file.name: file.read_text() for file in (tmp_path / "referral").iterdir()} == {"B": "c"}


def test_a_referral_goes_its_whole_way(machine: Machine, stack: Servers) -> None:
    asyncio.run(stack.empty_topics())
    module, _ = machine.unit("pir-setup")
    done = programs.run(module, environment=machine.environment("pir-setup"))
    assert done.returncode == 0, done.stdout + done.stderr
    for name in NAMES:
        said = programs.run("deploy.doctor", name, environment=machine.environment(f"pir@{name}")).stdout
        wrong = {line.split()[1] for line in said.splitlines() if line.startswith("WRONG")}
        assert wrong <= {"sign-in:"}, said  # identity.example.org is nowhere
    with ExitStack() as running:
        for name in NAMES:
            module, _ = machine.unit(f"pir@{name}")
            log = machine.var / f"{name}.log"
            running.callback(Program(module, environment=machine.environment(f"pir@{name}"), said=log).kill)
        for name, port in zip(NAMES, range(8001, 8005), strict=True):
            eventually(partial(_is_ready, machine.ports[str(port)]), what=f"{name} ready")
        added = programs.run(
            "services.referral",
            *["agency", "add", "nursery", "--name", "Nursery", "--inbox", "team@nursery.example.org", "--source", "F1"],
            environment=machine.environment("pir@referral"),
        )
        assert added.returncode == 0, added.stdout + added.stderr
        key = re.search(r"[\w-]{40,}", added.stdout)
        assert key, added.stdout
        url = f"http://127.0.0.1:{machine.ports['8001']}/referrals"
        sent = call("POST", url, token=key[0], body=a_referral(), key="first")
        assert sent.status == 201, sent.body
        reference = sent.body["reference"]

        def decided() -> Any:
            return call("GET", f"{url}/{reference}", token=key[0]).body["decision"]

        eventually(decided, what="a decision")
        eventually(lambda: reference in {each.reference for each in machine.mail.taken()}, what="a receipt")
        inside = f"http://127.0.0.1:{machine.ports['9004']}/totals"
        assert call("GET", inside).status == 401
        assert call("GET", inside.replace(machine.ports["9004"], machine.ports["8004"])).status == 404


def _is_ready(port: str) -> bool:
    try:
        return call("GET", f"http://127.0.0.1:{port}/health/ready", timeout=5).status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
