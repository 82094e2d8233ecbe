"""The settings every service has, read from the environment; a service adds its own in its settings.py.

Each may come from a file instead: `PIR_MASTER_KEY_FILE=/run/secrets/master-key` in place of `PIR_MASTER_KEY`, so that a
secret stands in no environment, which other processes and `docker inspect` show. PIR_SECRETS_DIR is a folder of such
files, each with the name of its variable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared.brokers import Brokers, Mechanism
from shared.crypto import Key
from shared.policy import InvalidPolicyError, Policy, load_all
from shared.secret_files import SecretFileError, from_file

ROOT = Path(__file__).resolve().parents[1]


class Profile(StrEnum):
    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Part(StrEnum):
    """Of a service: what answers requests, or what goes on by itself (consumer, relay, timers, delivery)."""

    HTTP = "http"
    WORK = "work"


def read_names(value: object) -> object:
    """JSON text from the environment; empty is none, as for every other setting."""
    return (json.loads(value) if value.strip() else {}) if isinstance(value, str) else value


RoleNames = Annotated[dict[str, str], NoDecode, BeforeValidator(read_names)]
"""What the identity provider calls a role → our code for it."""


NoPath = Annotated[Path | None, BeforeValidator(lambda value: value or None)]
"""A path, or none: an empty variable is one that is not set."""


class FromFiles(PydanticBaseSettingsSource):
    """The content of a variable's file (shared/secret_files.py), without the end of its last line.

    Raises SettingsError, which names variable and file, never the content.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        try:
            found = from_file(variable_of(self.settings_cls, field_name))
        except SecretFileError as error:
            raise SettingsError(str(error)) from None
        return found, field.validation_alias or field_name, False  # type: ignore[return-value]  # our aliases are text

    def __call__(self) -> dict[str, Any]:
        found = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {key: value for value, key, _ in found if value is not None}


def variable_of(settings: type[BaseSettings], name: str) -> str:
    """The variable of a field, given by its name or by the alias that is the variable already."""
    field = settings.model_fields.get(name)
    alias = field.validation_alias if field else name
    return alias if isinstance(alias, str) else f"PIR_{name.upper()}"


def said_of(error: ValidationError, settings: type[BaseSettings]) -> list[str]:
    """A line for each variable that is missing or wrong, without its value."""
    lines = []
    for part in error.errors(include_input=False, include_url=False):
        words = part["msg"].removeprefix("Value error, ")
        if part["loc"]:
            name, *inside = map(str, part["loc"])
            place = ".".join([variable_of(settings, name), *inside])
            words = f"{place} is missing" if part["type"] == "missing" else f"{place}: {words}"
        lines += words.splitlines()
    return lines


COMMON: Final = SettingsConfigDict(
    env_prefix="PIR_", frozen=True, extra="ignore", hide_input_in_errors=True, use_attribute_docstrings=True
)


class KafkaSettings(BaseSettings):
    """Where Kafka is and how to enter it: see `Brokers`."""

    model_config = COMMON

    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    """Addresses of Kafka: `host:port`, several with commas between."""
    kafka_user: str = ""
    """Who enters Kafka; empty where nobody is asked."""
    kafka_password: SecretStr = SecretStr("")
    """The password of `PIR_KAFKA_USER`."""
    kafka_mechanism: Mechanism = Mechanism.SCRAM
    """How the password is proven (SASL)."""
    kafka_ca_file: NoPath = None
    """A PEM with the authority of the brokers' certificates: Kafka is then spoken to over TLS."""
    kafka_certificate_file: NoPath = None
    """A PEM with the certificate that shows who we are, where brokers ask for one."""
    kafka_certificate_key_file: NoPath = None
    """A PEM with the key of that certificate."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, FromFiles(settings_cls), env_settings

    @model_validator(mode="after")
    def _nothing_contradicts(self) -> Self:
        if found := list(self.contradictions()):
            raise ValueError("\n".join(found))
        return self

    def contradictions(self) -> Iterator[str]:
        """What can't be set together, or is missing beside something else; each names its variables."""
        if bool(self.kafka_user) != bool(self.kafka_password.get_secret_value()):
            yield "PIR_KAFKA_USER and PIR_KAFKA_PASSWORD are needed together"
        if self.kafka_certificate_file and not self.kafka_ca_file:
            yield "PIR_KAFKA_CERTIFICATE_FILE needs PIR_KAFKA_CA_FILE"

    @property
    def brokers(self) -> Brokers:
        return Brokers(
            self.kafka_bootstrap_servers,
            self.kafka_user,
            self.kafka_password.get_secret_value(),
            self.kafka_mechanism,
            self.kafka_ca_file,
            self.kafka_certificate_file,
            self.kafka_certificate_key_file,
        )


class PolicySettings(BaseSettings):
    """Which policy is live, and the folder of all of them."""

    model_config = COMMON

    policy: str = "nottingham"
    """The id of the policy that is live."""
    policies_dir: Path = ROOT / "deploy" / "policies"
    """The folder of all policies, the past ones too."""

    def live_policy(self) -> Policy:
        """Signed off or not. Raises InvalidPolicyError for a folder that can't be used, and an id that no file has."""
        policies = load_all(self.policies_dir)
        if self.policy not in policies:
            raise InvalidPolicyError(f"PIR_POLICY={self.policy} is none of {', '.join(sorted(policies))}")
        return policies[self.policy]


class Settings(KafkaSettings, PolicySettings):
    """What every service is told. A docstring below a variable is its meaning in docs/variables.md.

    Sign-in: docs/sign-in.md. A service adds what must not be set together by `contradictions`.
    """

    profile: Profile = Profile.PRODUCTION
    """`development` or `production`: what is convenient, or what is safe."""
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    """Where PostgreSQL is, and as whom it is entered."""
    pooled_database_url: SecretStr = SecretStr("")
    """Where a pooler of connections is (PgBouncer, transaction mode), with the same role: calls and pages go by it."""
    host: str = "127.0.0.1"
    """The address that is listened on."""
    port: int = Field(default=8000, ge=1, le=65535)
    """The port that is listened on."""
    listen_fd: int | None = Field(default=None, ge=3)
    """A socket that listens already, handed down by a supervisor, in place of address and port."""
    internal_port: int | None = Field(default=None, ge=1, le=65535)
    """A second port, for /metrics, /totals and internal calls, which the first then refuses; needed in production."""
    scrape_token: SecretStr = SecretStr("")
    """With which Prometheus reads /metrics and operations /totals. Needed outside development."""
    instance: str | None = None
    """Names this copy among its like, so that Kafka gives a restarted copy its partitions at once."""
    only: Part | None = None
    """One part of the service, `http` or `work`, so that neither takes the other along; as `serve --only`."""
    policy_accepted_by: str = ""
    """Who took it on to use a policy without a clinical sign-off, and when, in words."""
    service_maps_dir: Path = ROOT / "deploy" / "service_maps"
    """The folder of the service maps, one a council."""
    retention_file: Path = ROOT / "deploy" / "retention.toml"
    """How long what is kept."""
    reference_dir: Path = ROOT / "deploy" / "reference"
    """The folder of wards, councils and postcodes."""
    disk_folder: Path = ROOT
    """Any folder on the disk whose free space is measured."""
    credentials_file: NoPath = None
    """Development credentials; refused outside development."""
    staff_jwks_file: NoPath = None
    """The public keys of the tokens of staff, as a file."""
    staff_jwks_url: str = ""
    """Where the public keys of the tokens of staff are fetched; used before the file. https in production."""
    staff_issuer: str = ""
    """The `iss` of the tokens of staff."""
    staff_audience: str = ""
    """The `aud` of the tokens of staff."""
    public_url: str = "http://127.0.0.1:8002"
    """Where browsers see the pages of the triage team."""
    oidc_metadata_url: str = ""
    """Where staff sign in to pages: the metadata of the identity provider. https outside development."""
    oidc_client_id: str = ""
    """Who we are to the identity provider of staff."""
    oidc_client_secret: SecretStr = SecretStr("")
    """What proves to the identity provider who we are; or `PIR_OIDC_CLIENT_KEY_FILE`."""
    oidc_client_key_file: NoPath = None
    """A PEM with a key that proves who we are, in place of `PIR_OIDC_CLIENT_SECRET`."""
    oidc_scopes: str = "openid profile"
    """What is asked for at sign-in."""
    oidc_roles_claim: str = "roles"
    """The claim that holds a person's roles."""
    oidc_role_fields: str = ""
    """Where the claim is a list of objects: the path to the role in each."""
    oidc_acr: str = ""
    """How people must have signed in, by the provider's own names."""
    oidc_max_age: Annotated[int | None, BeforeValidator(lambda value: None if value == "" else value)] = Field(
        default=None, ge=0
    )
    """How long ago people may have signed in at the provider at most, in seconds."""
    oidc_roles: RoleNames = {}
    """What the provider calls a role → our code for it, as JSON."""
    audit_signing_key: Key | None = None
    """Signs the head of the audit trail: Ed25519, 32 bytes in base64url. Needed outside development."""
    audit_heads_file: Path = Path("var/audit-heads.jsonl")
    """The file, outside the database, to which each head is added."""
    pool_size: int = Field(default=5, ge=1, le=50)
    """Connections to PostgreSQL that requests and batches share."""
    log_level: str = "INFO"
    """The least that is logged."""

    def contradictions(self) -> Iterator[str]:
        yield from super().contradictions()
        yield from self._missing_sign_in()
        if self.is_development:
            return
        if self.credentials_file is not None:
            yield "PIR_CREDENTIALS_FILE holds development credentials: it can't be used outside development"
        if self.internal_port is None:
            yield "PIR_INTERNAL_PORT is needed outside development: live counts and identities stay inside"
        if not self.scrape_token.get_secret_value():
            yield "PIR_SCRAPE_TOKEN is needed outside development: neighbours must not read live counts"
        if self.audit_signing_key is None:
            yield "PIR_AUDIT_SIGNING_KEY is needed outside development: it signs the audit trail's head"
        private = {"PIR_STAFF_JWKS_URL": self.staff_jwks_url} if self.staff_jwks_url else {}
        if self.oidc_metadata_url:
            private |= {"PIR_OIDC_METADATA_URL": self.oidc_metadata_url, self._public_url_variable: self.public_url}
        yield from (
            f"outside development {name} must start with https://"
            for name, url in private.items()
            if not url.startswith("https://")
        )

    def _missing_sign_in(self) -> Iterator[str]:
        proofs = [self.oidc_client_secret.get_secret_value(), self.oidc_client_key_file]
        if self.oidc_metadata_url and (not self.oidc_client_id or not any(proofs) or all(proofs)):
            yield (
                "PIR_OIDC_METADATA_URL needs PIR_OIDC_CLIENT_ID and PIR_OIDC_CLIENT_SECRET or PIR_OIDC_CLIENT_KEY_FILE"
            )

    @property
    def _public_url_variable(self) -> str:
        """A service with pages of its own has an address of its own."""
        return str(type(self).model_fields["public_url"].validation_alias or "PIR_PUBLIC_URL")

    def policy_in_force(self) -> Policy:
        """The live policy. Raises InvalidPolicyError as `live_policy` does.

        Outside development also for one that nobody has signed off, unless `policy_accepted_by` names somebody.
        """
        policy = self.live_policy()
        if not (self.is_development or policy.signed_off_by.strip() or self.policy_accepted_by.strip()):
            raise InvalidPolicyError(
                f"no clinical lead has signed off the policy {policy.id}, version {policy.version}: put name and day "
                "into its signed_off_by, or say in PIR_POLICY_ACCEPTED_BY who accepted its use without, and when"
            )
        return policy

    @property
    def is_development(self) -> bool:
        return self.profile is Profile.DEVELOPMENT

    @property
    def dsn(self) -> str:
        """For asyncpg itself."""
        return _for_driver(self.database_url)

    @property
    def pooled_dsn(self) -> str:
        """Empty without a pooler."""
        return _for_driver(self.pooled_database_url)


def _for_driver(url: SecretStr) -> str:
    return url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://", 1)
