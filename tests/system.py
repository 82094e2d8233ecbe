"""The whole system as processes, to be used and hurt from outside through HTTP and signals."""

from __future__ import annotations

import asyncio
import email
import http.client
import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from uuid import uuid4

import asyncpg

from deploy.demo.rest import listeners, under_way
from deploy.local import credentials
from deploy.local.identity_provider import IdentityProvider
from deploy.local.ports import free_port
from deploy.local.services import DEFAULT_PORTS, Service, environment, of_service, return_addresses
from deploy.secrets import password_variable
from shared.brokers import Brokers
from shared.database import engine_of
from tests import programs
from tests.builders import a_policy
from tests.families import a_referral
from tests.pooler import pooled
from tests.programs import Program
from tests.servers import PASSWORDS, Servers, endings

NAMES: Final = tuple(DEFAULT_PORTS)
PATIENCE_SECONDS: Final = 90.0
"""For anything that must come to pass; a test that needs it has already lost its point, but says what is missing."""
CODE: Final = re.compile(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b")
"""What signs somebody in at the pages for people who refer."""

T = TypeVar("T")
Process = Program | subprocess.Popen[bytes]


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]


def without_address(body: Any) -> Any:
    """A problem without `instance`, which repeats the address that was asked for."""
    return {name: value for name, value in body.items() if name != "instance"} if isinstance(body, dict) else body


def call(
    method: str,
    url: str,
    *,
    token: str | None = None,
    body: Any = None,
    key: str | None = None,
    timeout: float = 30,
) -> Reply:
    """One request on a connection of its own; raises OSError or HTTPException when nobody answers."""
    host, _, path = url.removeprefix("http://").partition("/")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    if key:
        headers["Idempotency-Key"] = key
    connection = http.client.HTTPConnection(host, timeout=timeout)
    try:
        connection.request(method, f"/{path}", json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        text = answer.read()
        named = {name.lower(): value for name, value in answer.getheaders()}
        is_json = "json" in named.get("content-type", "")
        return Reply(answer.status, json.loads(text) if is_json else text.decode(), named)
    finally:
        connection.close()


def eventually(question: Callable[[], T], *, what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """The first true answer; raises AssertionError with the last one when there is none in time."""
    last: object = None
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if last := question():
                return last
        except (OSError, http.client.HTTPException, asyncpg.PostgresError) as error:
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{what}: not in {seconds:.0f} s; last {last!r}")


class System:
    """Four processes with the environment that `make run` would give them, in the folder `var`.

    They are copies of a process that has loaded the libraries; with a `tree` each is a new Python on that tree's code.
    """

    namespace = ""
    """Of the network, where the services run."""
    again = (409, 503)
    """Answers after which the same is sent again under its key."""

    def __init__(self, servers: Servers, database_url: str, var: Path, *, tree: Path | None = None) -> None:
        self.servers, self.database_url, self.var, self.tree = servers, database_url, var, tree
        self.credentials = credentials.load(var / "credentials.json")
        self.credentials["secrets"] |= {password_variable("database", name): PASSWORDS[name] for name in NAMES}
        self.services = {
            name: Service(name=name, command=(sys.executable, "-m", f"services.{name}"), port=free_port())
            for name in NAMES
        }
        self._environment = environment(
            list(self.services.values()),
            var=var,
            credentials=self.credentials,
            database_url=database_url,
            brokers=servers.kafka_bootstrap_servers,
        )
        self._environment |= {
            "PIR_ERASURE_LEDGER": str(var / "erasures.jsonl"),
            "PIR_DISPOSAL_CERTIFICATES": str(var / "disposals"),
            "PIR_AUDIT_HEADS_FILE": str(var / "audit-heads.jsonl"),
        }
        self._children: dict[str, Process] = {}
        self._suffix = ""
        back = return_addresses(list(self.services.values()))
        self.sign_in = IdentityProvider(self.credentials["staff"], "staff-pages", uuid4().hex, back)

    def __enter__(self) -> Self:
        endings.append(self.__exit__)
        self.sign_in.start()
        self._environment |= self.sign_in.environment(self.url("triage"))
        asyncio.run(self.servers.empty_topics())
        self.run("deploy.setup")
        try:
            self.start_all()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill_all()
        self.sign_in.stop()

    def start_all(self) -> None:
        """Returns when all four are ready."""
        for name in NAMES:
            self.start(name)
        self.wait_until_ready()

    def kill_all(self) -> None:
        for name in list(self._children):
            self.kill(name)

    def run(self, module: str, *words: str) -> str:
        """An operator's command, with the settings of the services; what it said. It has to end with 0."""
        code, said = self.tries(module, *words)
        assert code == 0, said
        return said

    def tries(self, module: str, *words: str) -> tuple[int, str]:
        """As `run`, with whatever code it ends."""
        _, _, service = module.partition("services.")
        env = self.environment_of(service) if service else self._environment
        if self.tree is None:
            done = programs.run(module, *words, environment=env)
        else:
            command = [sys.executable, "-m", module, *words]
            done = subprocess.run(
                command, cwd=self.tree, env=env, capture_output=True, text=True, timeout=60, check=False
            )
        return done.returncode, done.stdout + done.stderr

    @property
    def brokers(self) -> Brokers:
        return Brokers(self.servers.kafka_bootstrap_servers)

    def environment_of(self, service: str) -> dict[str, str]:
        """What one service is told."""
        told = of_service(service, self._environment, self.credentials["secrets"])
        return told | {"PIR_POOLED_DATABASE_URL": pooled(told["DATABASE_URL"])}

    def tell(self, **variables: str) -> None:
        """Other settings, from the next start on."""
        self._environment |= variables

    def move_to(self, database_url: str) -> None:
        """Onto another database, from the next start on."""
        self.database_url = database_url
        self._environment |= {"DATABASE_URL": database_url}

    @contextmanager
    def second_copies(self, *names: str) -> Iterator[Self]:
        """One more copy of each of these services, or of all, on the same servers and database, on ports of its own."""
        copies = type(self)(self.servers, self.database_url, self.var, tree=self.tree)
        copies._environment |= {"PIR_INSTANCE": "second"}
        copies._suffix = "-second"
        endings.append(copies.__exit__)
        try:
            for name in names or NAMES:
                copies.start(name)
            yield copies
        finally:
            copies.__exit__()

    def url(self, name: str) -> str:
        return self.services[name].url

    def agency_key(self, slug: str = "health-visiting") -> str:
        return str(self.credentials["agencies"][slug])

    def staff_token(self, role: str = "triage-worker") -> str:
        return str(self.credentials["staff"][role]["token"])

    def log(self, name: str) -> Path:
        return self.var / f"{name}{self._suffix}.log"

    def start(self, name: str, *arguments: str) -> None:
        """Start a service that is not running, with these arguments of `serve`; returns at once."""
        self._children[name] = self._process(name, *arguments)

    def _process(self, name: str, *arguments: str, **environment: str) -> Process:
        if self.tree is None:
            *_, module = self.services[name].command
            known = self.environment_of(name) | environment
            return Program(
                module, "serve", *arguments, environment=known, said=self.log(name), namespace=self.namespace
            )
        with self.log(name).open("ab") as log:
            return subprocess.Popen(
                (*self.services[name].command, "serve", *arguments),
                cwd=self.tree,
                env=self.environment_of(name) | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @contextmanager
    def another_process(self, name: str, *, only: str) -> Iterator[Process]:
        """One more process, for one part of a service, on a port of its own; ready when this begins."""
        port = free_port()
        process = self._process(name, "--only", only, **{self.services[name].port_variable: str(port)})
        endings.append(process.kill)
        ready = f"http://127.0.0.1:{port}/health/ready"
        try:
            eventually(lambda: call("GET", ready, timeout=5).status == http.HTTPStatus.OK, what=f"{name}, {only} alone")
            yield process
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def in_two_processes(self, name: str) -> Iterator[Process]:
        """The service's HTTP side under its own name and port, its work beside it: that is what is yielded."""
        self.stop(name)
        self.start(name, "--only", "http")
        try:
            with self.another_process(name, only="work") as work:
                self.wait_until_ready()
                yield work
        finally:
            self.stop(name)
            self.start(name)
            self.wait_until_ready()

    def kill(self, name: str) -> None:
        """Kill -9."""
        child = self._children.pop(name)
        child.kill()
        child.wait()

    def stop(self, name: str, seconds: float = 20) -> int:
        """SIGTERM; returns the exit code. Raises TimeoutExpired when it does not go."""
        child = self._children.pop(name)
        child.send_signal(signal.SIGTERM)
        try:
            return child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            raise

    def is_ready(self, name: str) -> bool:
        try:
            return call("GET", f"{self.url(name)}/health/ready", timeout=5).status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def wait_until_ready(self, *names: str) -> float:
        """Until these (or all) are; returns the seconds it took. A process that ended instead is an AssertionError."""
        began = time.monotonic()

        def are_ready() -> bool:
            for name, child in self._children.items():
                assert child.poll() is None, f"{name} ended with {child.returncode}"
            return all(self.is_ready(name) for name in names or NAMES)

        try:
            eventually(are_ready, what=f"ready: {names or NAMES}")
        except AssertionError as error:
            for name in self._children:
                error.add_note(f"{name}: {self._readiness(name)}\n{self.log(name).read_text()[-2000:]}")
            if self.servers.kafka:
                error.add_note(f"kafka: {(self.servers.kafka.folder / 'broker.log').read_text()[-6000:]}")
            error.add_note(f"groups: {asyncio.run(self.servers.groups())}")
            raise
        return time.monotonic() - began

    def _readiness(self, name: str) -> str:
        try:
            return repr(call("GET", f"{self.url(name)}/health/ready", timeout=5).body)
        except (OSError, http.client.HTTPException) as error:
            return repr(error)

    def send(self, body: dict[str, Any], *, key: str | None = None, slug: str = "health-visiting") -> Reply:
        return call(
            "POST", f"{self.url('referral')}/referrals", token=self.agency_key(slug), body=body, key=key or uuid4().hex
        )

    def totals(self) -> dict[str, int]:
        return call("GET", f"{self.url('metrics')}/totals").body

    def totals_at_rest(self) -> dict[str, int]:
        """The totals once nothing is under way in any service."""
        left: dict[str, int | None] = {}

        def is_at_rest() -> bool:
            nonlocal left
            left = asyncio.run(self._under_way())
            return not left

        try:
            eventually(is_at_rest, what="everything heard, told and counted")
        except AssertionError as error:
            error.add_note(f"under way: {left}")
            raise
        return self.totals()

    async def _under_way(self) -> dict[str, int | None]:
        engine = engine_of(self.database_url, "public")
        try:
            async with engine.connect() as tx:
                return await under_way(tx, listeners(a_policy()), self.brokers)
        finally:
            await engine.dispose()

    def receipts(self) -> Counter[str]:
        """How many receipts lie in the mail folder, by reference."""
        found: Counter[str] = Counter()
        for file in (self.var / "mail").rglob("*.eml"):
            message = email.message_from_bytes(file.read_bytes())
            if message["X-PIR-Kind"] == "receipt":
                found[message["X-PIR-Reference"]] += 1
        return found

    def code_for(self, address: str) -> str:
        """The code in the newest mail to somebody who signs in, once it is there; that mail is read only once."""

        def newest() -> tuple[Path, str] | None:
            mails = (self.var / "mail").rglob("*.eml")
            for file in sorted(mails, key=lambda each: each.stat().st_mtime, reverse=True):  # of thousands, in a bench
                message = email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=default)
                if (message["X-PIR-Kind"], message["To"]) == ("sign-in-code", address):
                    return file, message.get_content()
            return None

        file, text = eventually(newest, what=f"a code for {address}")
        file.unlink()
        [code] = CODE.findall(text)
        return str(code)

    def query(self, sql: str, *values: object) -> list[asyncpg.Record]:
        """Rows straight from the database, for what no API shows."""

        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.database_url, timeout=10)
            try:
                return await connection.fetch(sql, *values)
            finally:
                await connection.close()

        return asyncio.run(fetch())


@dataclass
class Load:
    """What the senders have seen: accepted references, other answers, and the longest wait for an answer."""

    accepted: dict[str, str] = field(default_factory=dict)
    statuses: Counter[int] = field(default_factory=Counter)
    refused_connections: int = 0
    longest_seconds: float = 0.0
    accepted_at: list[float] = field(default_factory=list)
    """By the monotonic clock."""
    unexpected: list[Any] = field(default_factory=list)


@contextmanager
def under_load(system: System, *, senders: int = 4, pause: float = 0.1) -> Iterator[Load]:
    """Threads that send fresh referrals, each with its own key until it is accepted; ends them on leaving."""
    load, done, lock = Load(), threading.Event(), threading.Lock()

    def send_one() -> None:
        key, body = uuid4().hex, a_referral()
        for _ in range(400):
            began = time.monotonic()
            try:
                reply = system.send(body, key=key)
            except (OSError, http.client.HTTPException):
                load.refused_connections += 1
                time.sleep(0.1)
                continue
            with lock:
                load.longest_seconds = max(load.longest_seconds, time.monotonic() - began)
                load.statuses[reply.status] += 1
                if reply.status == http.HTTPStatus.CREATED:
                    load.accepted[reply.body["reference"]] = key
                    load.accepted_at.append(time.monotonic())
                    return
                if reply.status not in system.again:
                    load.unexpected.append((reply.status, reply.body))
                    return
            time.sleep(0.1)
        load.unexpected.append("never accepted")

    def keep_sending() -> None:
        while not done.wait(pause):
            send_one()

    threads = [threading.Thread(target=keep_sending, name=f"sender-{n}") for n in range(senders)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        done.set()
        for thread in threads:
            thread.join()
