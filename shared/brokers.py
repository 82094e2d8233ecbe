"""Where Kafka is and how this system enters it: all its clients are made from here."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram512


class Mechanism(StrEnum):
    """How a name proves itself. PLAIN sends the password as it is: over TLS only, or where nobody listens."""

    SCRAM = "SCRAM-SHA-512"
    PLAIN = "PLAIN"


@dataclass(frozen=True)
class Brokers:
    """`servers` is comma-separated host:port.

    `user` and `password` sign in by `mechanism`. `ca_file` (PEM) turns on TLS, and only brokers with a certificate
    of that authority are believed; `certificate_file` and `key_file` (PEM) are our own, for brokers that ask.
    """

    servers: str
    user: str = ""
    password: str = field(default="", repr=False)
    mechanism: Mechanism = Mechanism.SCRAM
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def addresses(self) -> list[str]:
        """A list, because FastStream takes one text for one address."""
        return [each.strip() for each in self.servers.split(",") if each.strip()]

    @cached_property
    def tls(self) -> ssl.SSLContext | None:
        """None without a CA file. Raises OSError for a file that is not there or is none of its kind."""
        if self.ca_file is None:
            return None
        context = ssl.create_default_context(cafile=str(self.ca_file))
        if self.certificate_file:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context

    @property
    def protocol(self) -> str:
        return f"{'SASL_' if self.user else ''}{'SSL' if self.ca_file else 'PLAINTEXT'}"

    def for_client(self) -> dict[str, Any]:
        """The arguments that each client of aiokafka takes."""
        given = {"bootstrap_servers": self.addresses, "security_protocol": self.protocol, "ssl_context": self.tls}
        if self.user:
            given |= {"sasl_mechanism": self.mechanism.value}
            given |= {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
        return given

    def for_faststream(self) -> BaseSecurity:
        use_ssl = self.tls is not None
        if not self.user:
            return BaseSecurity(ssl_context=self.tls, use_ssl=use_ssl)
        kind = SASLScram512 if self.mechanism is Mechanism.SCRAM else SASLPlaintext
        return kind(self.user, self.password, ssl_context=self.tls, use_ssl=use_ssl)
