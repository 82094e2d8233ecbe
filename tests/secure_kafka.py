"""A real broker that lets nobody in without TLS and a name, with the rules that docker-compose.yml gives it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ruamel.yaml import YAML

from deploy.local.kafka import Kafka
from deploy.local.ports import free_port, is_open
from shared.brokers import Brokers, Mechanism
from shared.settings import ROOT

ADMIN: Final = "admin"
COMPOSED: Final = ("listener.", "inter.broker.", "sasl.", "authorizer.", "super.")
"""What is tried as it stands there; the rest is a matter of the machine."""
PEM: Final = serialization.Encoding.PEM


class SecureKafka(Kafka):
    """Clients come by SASL over TLS; the listener of the broker for itself is on the loopback alone."""

    def __init__(self, state: Path) -> None:
        super().__init__(state)
        self.password = secrets.token_urlsafe(16)
        self.ca_file, self._own_file = state / "ca.pem", state / "broker.pem"
        certify(self.ca_file, self._own_file)

    @property
    def admin(self) -> Brokers:
        """With all rights."""
        return Brokers(self.url, ADMIN, self.password, Mechanism.PLAIN, self.ca_file)

    def settings(self, data: Path) -> str:
        """Compose's, on the loopback and with TLS."""
        port, inner, controller = self.record.values["port"], free_port(None), self.record.values["controller_port"]
        composed = as_properties({"KAFKA_ADMIN_PASSWORD": self.password})
        protocols = composed["listener.security.protocol.map"]
        changed = {name: value for name, value in composed.items() if name.startswith(COMPOSED)} | {
            "listeners": f"SERVICES://127.0.0.1:{port},BROKER://127.0.0.1:{inner},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"SERVICES://127.0.0.1:{port},BROKER://127.0.0.1:{inner}",
            "listener.security.protocol.map": protocols.replace("SASL_PLAINTEXT", "SASL_SSL"),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._own_file),
        }
        lines = [line for line in super().settings(data).splitlines() if line.partition("=")[0] not in changed]
        return "\n".join([*lines, *(f"{name}={value}" for name, value in changed.items()), ""])

    def _serves_groups(self) -> bool:
        """It is never started again on what it knew before."""
        return True

    async def probe(self) -> None:
        if not is_open("127.0.0.1", self.record.values["port"]):
            raise ConnectionError("not listening yet")
        admin = AIOKafkaAdminClient(**self.admin.for_client(), request_timeout_ms=5000)
        try:
            await admin.start()
        finally:
            await admin.close()


def as_properties(known: Mapping[str, str]) -> dict[str, str]:
    """The environment of the broker in docker-compose.yml as the image reads it: `_` is a dot, `___` a dash."""
    composed = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    properties = {}
    for variable, value in composed["services"]["kafka"]["environment"].items():
        name = variable.removeprefix("KAFKA_").lower().replace("___", "-").replace("_", ".")
        properties[name] = re.sub(r"\$\{(\w+):\?[^}]*\}", lambda found: known[found[1]], str(value))
    return properties


def certify(ca_file: Path, own_file: Path, host: str = "localhost") -> None:
    """An authority of a day, and the key and certificate of 127.0.0.1 and `host` from it."""
    ca_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("An authority of the tests", ca_key, "An authority of the tests", ca_key)
    own = _certificate("127.0.0.1", own_key, "An authority of the tests", ca_key, host)
    ca_file.write_bytes(authority.public_bytes(PEM))
    private = own_key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    own_file.write_bytes(private + own.public_bytes(PEM))
    own_file.chmod(0o600)


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, issuer: str, issuer_key: ec.EllipticCurvePrivateKey, host: str = ""
) -> x509.Certificate:
    now = datetime.now(UTC)
    is_ca = key is issuer_key
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        names = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName(host)]
        made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return made.sign(issuer_key, hashes.SHA256())


def as_user(brokers: Brokers, user: str, password: str) -> Brokers:
    return replace(brokers, user=user, password=password, mechanism=Mechanism.SCRAM)
