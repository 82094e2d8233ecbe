"""The settings every service has, read from the environment; a service adds its own in its settings.py.

Each may come from a file instead: `PIR_MASTER_KEY_FILE=/run/secrets/master-key` in place of `PIR_MASTER_KEY`, so that a
secret stands in no environment, which other processes and `docker inspect` show. PIR_SECRETS_DIR is a folder of such
files, each with the name of its variable.
"""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self

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
        lines.append(words)
    return lines


class KafkaSettings(BaseSettings):
    """Where Kafka is (KAFKA_BOOTSTRAP_SERVERS) and how to enter it: see `Brokers`."""

    model_config = SettingsConfigDict(env_prefix="PIR_", frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_bootstrap_servers: str = Field(validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_mechanism: Mechanism = Mechanism.SCRAM
    kafka_ca_file: NoPath = None
    kafka_certificate_file: NoPath = None
    kafka_certificate_key_file: NoPath = None

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
    def _kafka_is_entered_whole(self) -> Self:
        if bool(self.kafka_user) != bool(self.kafka_password.get_secret_value()):
            raise ValueError("PIR_KAFKA_USER and PIR_KAFKA_PASSWORD are needed together")
        if self.kafka_certificate_file and not self.kafka_ca_file:
            raise ValueError("PIR_KAFKA_CERTIFICATE_FILE needs PIR_KAFKA_CA_FILE")
        return self

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

    model_config = SettingsConfigDict(env_prefix="PIR_", frozen=True, extra="ignore", hide_input_in_errors=True)

    policy: str = "nottingham"
    policies_dir: Path = ROOT / "deploy" / "policies"

    def live_policy(self) -> Policy:
        """Signed off or not. Raises InvalidPolicyError for a folder that can't be used, and an id that no file has."""
        policies = load_all(self.policies_dir)
        if self.policy not in policies:
            raise InvalidPolicyError(f"PIR_POLICY={self.policy} is none of {', '.join(sorted(policies))}")
        return policies[self.policy]


class Settings(KafkaSettings, PolicySettings):
    """Addresses, profile and the policy that is live.

    `policy_accepted_by` is who took it on to use a policy without a clinical sign-off, and when, in words.
    `credentials_file` holds development credentials; outside the development profile a service refuses to start
    with it. `internal_port` is a second listener for /metrics, /totals and internal calls, which the first then
    refuses; it is needed outside development, and so is `scrape_token`, with which Prometheus reads /metrics and
    operations /totals. `listen_fd` is a socket that listens already, handed down by a supervisor, used instead of
    `host` and `port`. `instance` names this copy among its like, so that Kafka gives a
    restarted copy its partitions at once. `only` runs one part of the service, for two processes that don't end
    together; also as `serve --only`. `disk_folder` is any folder on the disk whose free space is measured. The
    `oidc_*` say where staff sign in to pages and which of their roles there is which here, `public_url` where their
    browsers see this service: docs/sign-in.md. The keys of their tokens come from `staff_jwks_url`, else from
    `staff_jwks_file`. `audit_signing_key` signs the head of the audit trail (Ed25519, 32
    bytes in base64url), which is appended to `audit_heads_file`, outside the database.
    """

    profile: Profile = Profile.PRODUCTION
    database_url: SecretStr = Field(validation_alias="DATABASE_URL")
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    listen_fd: int | None = Field(default=None, ge=3)
    internal_port: int | None = Field(default=None, ge=1, le=65535)
    scrape_token: SecretStr = SecretStr("")
    instance: str | None = None
    only: Part | None = None
    policy_accepted_by: str = ""
    service_maps_dir: Path = ROOT / "deploy" / "service_maps"
    retention_file: Path = ROOT / "deploy" / "retention.toml"
    reference_dir: Path = ROOT / "deploy" / "reference"
    disk_folder: Path = ROOT
    credentials_file: NoPath = None
    staff_jwks_file: NoPath = None
    staff_jwks_url: str = ""
    staff_issuer: str = ""
    staff_audience: str = ""
    public_url: str = "http://127.0.0.1:8002"
    oidc_metadata_url: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_client_key_file: NoPath = None
    oidc_scopes: str = "openid profile"
    oidc_roles_claim: str = "roles"
    oidc_role_fields: str = ""
    oidc_acr: str = ""
    oidc_max_age: Annotated[int | None, BeforeValidator(lambda value: None if value == "" else value)] = Field(
        default=None, ge=0
    )
    oidc_roles: RoleNames = {}
    audit_signing_key: Key | None = None
    audit_heads_file: Path = Path("var/audit-heads.jsonl")
    pool_size: int = Field(default=5, ge=1, le=50)
    log_level: str = "INFO"

    @model_validator(mode="after")
    def _development_credentials_stay_there(self) -> Self:
        if self.profile is not Profile.DEVELOPMENT and self.credentials_file is not None:
            raise ValueError("PIR_CREDENTIALS_FILE holds development credentials: it can't be used outside development")
        return self

    @model_validator(mode="after")
    def _counts_stay_inside(self) -> Self:
        if self.profile is not Profile.DEVELOPMENT and self.internal_port is None:
            raise ValueError("PIR_INTERNAL_PORT is needed outside development: live counts and identities stay inside")
        if self.profile is not Profile.DEVELOPMENT and not self.scrape_token.get_secret_value():
            raise ValueError("PIR_SCRAPE_TOKEN is needed outside development: neighbours must not read live counts")
        return self

    @model_validator(mode="after")
    def _the_audit_trail_is_signed(self) -> Self:
        if self.profile is not Profile.DEVELOPMENT and self.audit_signing_key is None:
            raise ValueError("PIR_AUDIT_SIGNING_KEY is needed outside development: it signs the audit trail's head")
        return self

    @model_validator(mode="after")
    def _keys_of_tokens_come_privately(self) -> Self:
        if not self.is_development and self.staff_jwks_url and not self.staff_jwks_url.startswith("https://"):
            raise ValueError("outside development PIR_STAFF_JWKS_URL must start with https://")
        return self

    @model_validator(mode="after")
    def _signing_in_is_whole_and_private(self) -> Self:
        if not self.oidc_metadata_url:
            return self
        proofs = [self.oidc_client_secret.get_secret_value(), self.oidc_client_key_file]
        if not self.oidc_client_id or not any(proofs) or all(proofs):
            raise ValueError(
                "PIR_OIDC_METADATA_URL needs PIR_OIDC_CLIENT_ID and PIR_OIDC_CLIENT_SECRET or PIR_OIDC_CLIENT_KEY_FILE"
            )
        urls = {"PIR_OIDC_METADATA_URL": self.oidc_metadata_url, self._public_url_variable: self.public_url}
        if self.profile is not Profile.DEVELOPMENT and not all(url.startswith("https://") for url in urls.values()):
            raise ValueError(f"outside development {' and '.join(urls)} must start with https://")
        return self

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
        return self.database_url.get_secret_value().replace("postgresql+asyncpg://", "postgresql://", 1)
