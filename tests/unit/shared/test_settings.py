"""Settings from files: for every variable, and nothing of a secret in what is said when one can't be read."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Final

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from services.metrics.settings import Settings as MetricsSettings
from services.notify.settings import Settings as NotifySettings
from services.referral.settings import Settings as ReferralSettings
from services.triage.settings import Settings as TriageSettings
from shared.policy import InvalidPolicyError
from shared.settings import ROOT, PolicySettings, Settings, said_of, variable_of

SERVICES: Final = (ReferralSettings, TriageSettings, NotifySettings, MetricsSettings)
KEY: Final = base64.urlsafe_b64encode(b"k" * 32).decode()


def variables_of(settings: type[Settings]) -> list[str]:
    """Of all that is secret."""
    return [
        variable_of(settings, name)
        for name, field in settings.model_fields.items()
        if "SecretStr" in str(field.annotation)
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing in the environment but where the files are, one for each secret of any service."""
    for settings in SERVICES:
        for variable in variables_of(settings):
            (tmp_path / variable).write_text(f"{KEY}\n")
            monkeypatch.delenv(variable, raising=False)
            monkeypatch.setenv(f"{variable}_FILE", str(tmp_path / variable))
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", "nowhere")
    monkeypatch.setenv("PIR_KAFKA_USER", "pir")  # or its password would be one too many
    monkeypatch.setenv("PIR_KAFKA_USER", "somebody")
    monkeypatch.setenv("PIR_PROFILE", "development")
    monkeypatch.setenv("PIR_MAIL_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("settings", SERVICES, ids=lambda each: each.__module__)
def test_every_secret_can_come_from_a_file(folder: Path, settings: type[Settings]) -> None:
    read = settings()
    known = [value for value in vars(read).values() if isinstance(value, SecretStr)]
    assert len(known) == len(variables_of(settings)) > 2
    assert {value.get_secret_value() for value in known} == {KEY}


@pytest.mark.parametrize("settings", SERVICES, ids=lambda each: each.__module__)
def test_every_secret_can_come_from_one_folder(
    folder: Path, settings: type[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in SERVICES:
        for variable in variables_of(each):
            monkeypatch.delenv(f"{variable}_FILE", raising=False)
    monkeypatch.setenv("PIR_SECRETS_DIR", str(folder))
    known = [value for value in vars(settings()).values() if isinstance(value, SecretStr)]
    assert len(known) == len(variables_of(settings))
    assert {value.get_secret_value() for value in known} == {KEY}


def test_a_folder_without_a_file_leaves_the_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "empty").mkdir()
    monkeypatch.setenv("PIR_SECRETS_DIR", str(folder / "empty"))
    monkeypatch.delenv("PIR_SCRAPE_TOKEN_FILE")
    monkeypatch.setenv("PIR_SCRAPE_TOKEN", "from a variable")
    assert ReferralSettings().scrape_token.get_secret_value() == "from a variable"


@pytest.fixture
def alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the master key alone; the other secrets have a file each, elsewhere."""
    monkeypatch.delenv("PIR_MASTER_KEY_FILE")
    (folder / "alone").mkdir()
    (folder / "alone" / "PIR_MASTER_KEY").write_text(KEY)
    monkeypatch.setenv("PIR_SECRETS_DIR", str(folder / "alone"))
    return folder / "alone"


@pytest.mark.parametrize("other", ["PIR_MASTER_KEY", "PIR_MASTER_KEY_FILE"])
def test_a_secret_in_the_folder_and_elsewhere_is_refused(
    alone: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(other, KEY)
    with pytest.raises(SettingsError, match=f"{other} and PIR_MASTER_KEY in PIR_SECRETS_DIR are both set") as refused:
        ReferralSettings()
    assert KEY not in str(refused.value)


def test_an_empty_file_of_the_folder_is_named(alone: Path) -> None:
    (alone / "PIR_MASTER_KEY").write_text("\n")
    with pytest.raises(SettingsError, match=r"PIR_MASTER_KEY in PIR_SECRETS_DIR: .* is empty"):
        ReferralSettings()


def test_what_is_missing_or_wrong_is_named_by_its_variable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PIR_MASTER_KEY", "PIR_TOKEN_REFERRAL_TRIAGE"):
        monkeypatch.delenv(f"{variable}_FILE")
    monkeypatch.setenv("PIR_POOL_SIZE", "70707")
    monkeypatch.setenv("PIR_MEMBER_PROVIDERS", '{"x": {}}')
    with pytest.raises(ValidationError) as found:
        ReferralSettings()
    said = said_of(found.value, ReferralSettings)
    assert {"PIR_MASTER_KEY is missing", "PIR_TOKEN_REFERRAL_TRIAGE is missing"} < set(said)
    assert "PIR_MEMBER_PROVIDERS.x.domains is missing" in said
    assert any(line.startswith("PIR_POOL_SIZE: ") for line in said)
    assert "70707" not in "".join(said)


def test_what_several_settings_say_together_is_said_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIR_PROFILE", "production")
    monkeypatch.delenv("PIR_INTERNAL_PORT", raising=False)
    with pytest.raises(ValidationError) as found:
        MetricsSettings()
    [said] = said_of(found.value, MetricsSettings)
    assert said.startswith("PIR_INTERNAL_PORT is needed outside development")


def test_all_that_contradicts_is_said_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("PIR_SCRAPE_TOKEN", "PIR_AUDIT_SIGNING_KEY", "PIR_KAFKA_PASSWORD"):
        monkeypatch.delenv(f"{variable}_FILE")
    monkeypatch.delenv("PIR_INTERNAL_PORT", raising=False)
    for name, value in {
        "PIR_PROFILE": "production",
        "PIR_OIDC_METADATA_URL": "http://sign-in.example.org",
        "PIR_GOVUK_NOTIFY_URL": "http://texts.example.org",
        "PIR_WEBHOOK_LOCAL": "true",
        "PIR_SMTP_TLS": "none",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as found:
        NotifySettings()
    said = said_of(found.value, NotifySettings)
    named = {re.search("PIR_[A-Z_]+", line)[0] for line in said}  # type: ignore[index]  # each names one
    assert named == {
        "PIR_KAFKA_USER",
        "PIR_OIDC_METADATA_URL",
        "PIR_INTERNAL_PORT",
        "PIR_SCRAPE_TOKEN",
        "PIR_AUDIT_SIGNING_KEY",
        "PIR_PUBLIC_URL",
        "PIR_GOVUK_NOTIFY_URL",
        "PIR_MAIL_DIR",
        "PIR_MAIL_FROM",
        "PIR_SMTP_PASSWORD",
        "PIR_WEBHOOK_LOCAL",
    }


def test_pages_have_an_address_where_people_sign_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"PROFILE": "production", "OIDC_METADATA_URL": "https://sign-in.example.org", "OIDC_CLIENT_ID": "pir"}
    for name, value in {**told, "PUBLIC_URL": "", "INTERNAL_PORT": "9000"}.items():
        monkeypatch.setenv(f"PIR_{name}", value)
    with pytest.raises(ValidationError) as found:
        TriageSettings()
    assert said_of(found.value, TriageSettings) == ["outside development PIR_PUBLIC_URL must start with https://"]


def test_an_empty_name_of_a_file_is_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIR_MASTER_KEY_BEFORE_FILE", "")
    assert ReferralSettings().master_key_before is None


def test_a_secret_given_twice_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIR_MASTER_KEY", KEY)
    with pytest.raises(SettingsError, match="PIR_MASTER_KEY and PIR_MASTER_KEY_FILE are both set") as refused:
        ReferralSettings()
    assert KEY not in str(refused.value)


def test_a_file_that_is_not_there_is_named(folder: Path) -> None:
    (folder / "PIR_MASTER_KEY").unlink()
    with pytest.raises(SettingsError, match=r"PIR_MASTER_KEY_FILE: .* can't be read"):
        ReferralSettings()


def test_what_is_a_file_by_its_name_is_not_read_as_a_secret(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIR_STAFF_JWKS_FILE", str(folder / "keys.json"))
    assert TriageSettings().staff_jwks_file == folder / "keys.json"


def test_what_has_no_settings_of_a_service_reads_the_same_live_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "deploy" / "policies" / "nottingham.toml").read_text(encoding="utf-8")
    (tmp_path / "own.toml").write_text(text.replace('id = "nottingham"', 'id = "own"'), encoding="utf-8")
    monkeypatch.setenv("PIR_POLICIES_DIR", str(tmp_path))
    monkeypatch.setenv("PIR_POLICY", "own")
    assert PolicySettings().live_policy().id == "own"
    monkeypatch.setenv("PIR_POLICY", "another")
    with pytest.raises(InvalidPolicyError, match="PIR_POLICY=another is none of own"):
        PolicySettings().live_policy()
