"""`make run`: everything, in the foreground, until Ctrl-C."""

import hashlib
import os
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.local import credentials, dev
from deploy.local.console import say
from deploy.local.demo import Demo, families
from deploy.local.dev import welcome
from deploy.local.govuk_process import GovukProcess
from deploy.local.identity_provider import IdentityProvider, port_from_environment
from deploy.local.keeper import WATCHERS, Keeper, stop_recorded
from deploy.local.services import Service, environment, of_service, refuse_taken_ports, return_addresses
from deploy.local.stack import Stack
from deploy.local.supervisor import Supervisor, run_step
from deploy.secrets import SERVICES, password_variable

if TYPE_CHECKING:
    from deploy.local.monitoring.running import Monitoring

BOTH = 2
MONITORING = "PIR_MONITORING"
ROOT = Path(__file__).resolve().parents[2]
SETUP = (sys.executable, "-m", "deploy.setup")


class Run:
    """One run in the folder `var`, whose lock the caller holds; ends soon after `stopping` is set."""

    def __init__(
        self, var: Path, stopping: threading.Event, *, services: list[Service], setup: Sequence[str] = SETUP
    ) -> None:
        self.var, self.stopping, self.services, self.setup = var, stopping, services, setup
        self.began = time.monotonic()
        self.stack = Stack(var / "local", stopping)
        self.demo = Demo(var, families())
        self.credentials: dict[str, Any] = {}
        self.keepers: list[Keeper] = []
        self.govuk_notify = GovukProcess(var / "log" / "govuk-notify.log")
        self.announced = False
        self.monitoring: Monitoring | None = None

    def run(self) -> None:
        """Start all, tend all until a stop is asked for, stop all whatever happened."""
        dev.remove(self.var)
        stop_recorded(self.var, [*(service.name for service in self.services), *WATCHERS])  # of a run that was killed
        refuse_taken_ports(self.services)
        self.credentials = credentials.load(self.var / "credentials.json")
        sign_in = self._identity_provider()
        sign_in.start()
        self.govuk_notify.start(next(service.url for service in self.services if service.name == "notify"))
        try:
            self._launch_servers()
            self._serve(sign_in)
        finally:
            dev.remove(self.var)
            if self.monitoring:
                self.monitoring.stop()
            self.stack.stop()
            sign_in.stop()
            self.govuk_notify.stop()
            say("Everything is stopped; the data is kept.")

    def _launch_servers(self) -> None:
        names = [server.name for server in self.stack.servers]
        say(f"Starting {' and '.join(names)}." if names else "Using the servers that the environment names.")
        self.stack.launch()

    def _identity_provider(self) -> IdentityProvider:
        """Staff sign in with one click a role; its keys and secret live as long as this process."""
        staff, secret = self.credentials["staff"], secrets.token_urlsafe(24)
        back = return_addresses(self.services)
        return IdentityProvider(staff, "staff-pages", secret, back, port=port_from_environment())

    @property
    def _pages_url(self) -> str:
        return next(service.url for service in self.services if service.name == "triage")

    def _serve(self, sign_in: IdentityProvider) -> None:
        known = environment(
            self.services,
            var=self.var,
            credentials=self.credentials,
            database_url=self.stack.database_url,
            brokers=self.stack.kafka_bootstrap_servers,
        )
        known |= sign_in.environment(self._pages_url)
        secrets = self.credentials["secrets"]
        told = {service.name: of_service(service.name, known, secrets) for service in self.services}
        told["notify"] |= self.govuk_notify.environment
        self.keepers = [Keeper(service, told[service.name], self.var) for service in self.services]
        supervisor = Supervisor(self.keepers, self.stack.servers, stopping=self.stopping, on_change=self._write_dev)
        try:
            supervisor.spawn()  # they import their libraries meanwhile, and wait for the servers and the migrations
            self.stack.wait()
            say(f"PostgreSQL and Kafka answer ({self._elapsed()}).")
            self._set_up(known)
            say(f"The deploy step is done ({self._elapsed()}). Waiting for {', '.join(s.name for s in self.services)}.")
            supervisor.wait_until_ready()
            if self.demo.is_wanted:
                self.demo.fill(known, tend=supervisor.wait_until_ready, stopping=self.stopping)
            self._watch_too(supervisor)
            self._announce()
            supervisor.watch()
        finally:
            self.stopping.set()
            say("Stopping.")
            supervisor.stop(self.var)

    def _watch_too(self, supervisor: Supervisor) -> None:
        """Prometheus, Alertmanager and the boards, where they are asked for: nobody else pays for them."""
        if os.environ.get(MONITORING, "0") in {"", "0"}:
            return
        from deploy.local.monitoring.running import Monitoring  # noqa: PLC0415  slow, and for those who ask only

        token = os.environ.get("PIR_SCRAPE_TOKEN") or "none is asked for in development"
        self.monitoring = Monitoring(
            self.var / "local",
            self.stopping,
            services=self.services,
            database_url=self.stack.database_url,
            token=token,
        )
        self.monitoring.start()
        supervisor.servers += self.monitoring.servers

    def _set_up(self, known: dict[str, str]) -> None:
        """The deploy step, unless this very step has been done on these very servers: a warm start saves it."""
        done, mark = self.var / "local" / "set-up", self._mark()
        if mark and done.exists() and done.read_text() == mark:
            return
        run_step(self.setup, known, self.var / "log" / "setup.log", self.stopping)
        if mark:
            done.write_text(mark)

    def _mark(self) -> str:
        """What the step depends on: its code, the migrations, both servers' data; empty when they are not ours."""
        postgres, kafka = self.stack.postgres, self.stack.kafka
        if len(self.stack.servers) < BOTH:
            return ""
        code = [ROOT / "deploy" / "setup.py", ROOT / "deploy" / "roles.py"]
        code += sorted((ROOT / "deploy" / "migrations" / "versions").glob("*.py"))
        parts = [path.read_bytes() for path in code]
        parts += [postgres.record.values["password"].encode(), (kafka.folder / "data" / "meta.properties").read_bytes()]
        parts += [self.credentials["secrets"][password_variable("database", service)].encode() for service in SERVICES]
        return hashlib.sha256(b"".join(parts)).hexdigest()

    def _announce(self) -> None:
        self.announced = True
        self._write_dev()
        say(welcome(self.services, self.credentials, self.var, datetime.now(UTC).date()))
        if self.monitoring:
            say(self.monitoring.welcome)
        say(f"Ready in {self._elapsed()}.")

    def _write_dev(self) -> None:
        if self.announced:  # not before all have been ready once
            database_url, brokers = self.stack.database_url, self.stack.kafka_bootstrap_servers
            found = dev.document(self.keepers, credentials=self.credentials, database_url=database_url, brokers=brokers)
            dev.write(self.var, found | self.govuk_notify.found)

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self.began:.1f} s"
