"""Promises between files: events and topics, migrations, bank holidays, development credentials."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from pydantic import ValidationError

from deploy import holidays as made_by
from deploy.kafka_users import READS
from deploy.migrate import MIGRATIONS
from services.metrics import tables as metrics
from services.notify import tables as notify
from services.referral import tables as referral
from services.triage import tables as triage
from shared.database import REVISION
from shared.events import EQUALITY_TOPIC, EVENTS, TOPICS, Event
from shared.policy import InvalidPolicyError
from shared.settings import ROOT, Profile
from tests.architecture.apps import BUILD, NAMES, SETTINGS, in_production, told
from tests.builders import POLICIES
from tests.contracts.examples import EXAMPLES

holidays = pytest.importorskip("holidays", reason="the test group brings it")


def concrete_events(base: type[Event] = Event) -> set[type[Event]]:
    below = base.__subclasses__()
    return {each for each in below if "type" in vars(each)} | {e for each in below for e in concrete_events(each)}


def test_every_event_class_is_known_by_its_type() -> None:
    ours = {each for each in concrete_events() if each.__module__.startswith("shared.")}
    assert ours == set(EVENTS.values())
    assert all(event.type == name for name, event in EVENTS.items())


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_an_event_has_a_version_and_a_topic(event: type[Event]) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*\.v[1-9]", event.type)
    assert event.topic in TOPICS


def test_each_service_speaks_on_a_topic_of_its_own() -> None:
    speakers = {
        event.type.partition(".")[0]: event.topic
        for event in EVENTS.values()
        if event.type not in {"referral.triaged.v1", "referral.monitored.v1"}
    }
    assert speakers == {
        "referral": "pir.referral.v1",
        "enquiry": "pir.referral.v1",
        "agency": "pir.referral.v1",
        "family": "pir.triage.v1",
        "work-item": "pir.triage.v1",
        "capacity": "pir.triage.v1",
        "message": "pir.notify.v1",
    }
    assert EVENTS["referral.triaged.v1"].topic == "pir.triage.v1"
    assert EVENTS["referral.monitored.v1"].topic == "pir.referral.equality.v1"


def test_what_is_counted_for_equality_is_said_to_the_metrics_service_alone() -> None:
    assert {event.topic for event in EXAMPLES if "monitoring" in event.model_dump()} == {EQUALITY_TOPIC}
    assert [service for service, topics in READS.items() if EQUALITY_TOPIC in topics] == ["metrics"]


def test_the_migrations_have_one_head_and_it_is_what_the_code_waits_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [REVISION]
    assert len(script.get_bases()) == 1


def test_each_service_has_a_schema_of_its_own() -> None:
    assert {tables.SCHEMA for tables in (referral, triage, notify, metrics)} == set(NAMES)


def test_bank_holidays_are_those_of_england() -> None:
    with (ROOT / "deploy" / "reference" / "bank-holidays.csv").open(encoding="utf-8", newline="") as lines:
        written = {(row["date"], row["name"]) for row in csv.DictReader(lines)}
    assert (min(made_by.YEARS), max(made_by.YEARS)) == (2018, 2060)
    known = holidays.country_holidays("GB", subdiv="ENG", years=range(2018, 2061))
    assert written == {(day.isoformat(), name) for day, name in known.items()}


@pytest.mark.parametrize("name", NAMES)
def test_outside_development_a_service_refuses_development_credentials(name: str, tmp_path: Path) -> None:
    values = in_production(tmp_path) | {"credentials_file": tmp_path / "credentials.json"}
    with pytest.raises(ValidationError, match="development credentials"):
        SETTINGS[name](**values)
    assert SETTINGS[name](**in_production(tmp_path)).profile is Profile.PRODUCTION


@pytest.mark.parametrize("name", NAMES)
def test_a_service_is_in_production_unless_it_is_told_otherwise(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIR_PROFILE", raising=False)
    values = in_production(tmp_path)
    del values["profile"]
    assert SETTINGS[name](**values).profile is Profile.PRODUCTION


@pytest.mark.parametrize("name", NAMES)
async def test_outside_development_a_service_refuses_a_policy_that_nobody_signed_or_accepted(
    name: str, tmp_path: Path
) -> None:
    unsigned = SETTINGS[name](**in_production(tmp_path, policy_accepted_by=" "))
    with pytest.raises(InvalidPolicyError, match="PIR_POLICY_ACCEPTED_BY"):
        await BUILD[name](unsigned)
    accepted = await BUILD[name](SETTINGS[name](**in_production(tmp_path, policy_accepted_by="A. Lead, 1 May 2026")))
    await accepted.close()


@pytest.mark.parametrize("name", NAMES)
async def test_outside_development_a_service_starts_with_a_policy_that_somebody_signed(
    name: str, tmp_path: Path
) -> None:
    for file in POLICIES.glob("*.toml"):
        text = file.read_text(encoding="utf-8")
        (tmp_path / file.name).write_text(text.replace('signed_off_by = ""', 'signed_off_by = "Dr A. Lead"'), "utf-8")
    signed = await BUILD[name](
        SETTINGS[name](**in_production(tmp_path, policy_accepted_by="", policies_dir=tmp_path)),
    )
    await signed.close()


@pytest.mark.parametrize("name", NAMES)
async def test_a_policy_that_is_not_there_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidPolicyError, match="PIR_POLICY=atlantis"):
        await BUILD[name](SETTINGS[name](**told(tmp_path, policy="atlantis")))


@pytest.mark.parametrize("name", NAMES)
def test_outside_development_the_audit_trail_is_signed(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="PIR_AUDIT_SIGNING_KEY"):
        SETTINGS[name](**in_production(tmp_path, audit_signing_key=None))


@pytest.mark.parametrize("name", NAMES)
def test_outside_development_an_internal_listener_is_asked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="PIR_INTERNAL_PORT"):
        SETTINGS[name](**in_production(tmp_path, internal_port=None))


@pytest.mark.parametrize("name", NAMES)
def test_outside_development_a_token_for_counts_is_asked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="PIR_SCRAPE_TOKEN"):
        SETTINGS[name](**in_production(tmp_path, scrape_token=None))


@pytest.mark.parametrize("name", NAMES)
def test_settings_never_show_a_secret(name: str, tmp_path: Path) -> None:
    values = told(tmp_path)
    settings = SETTINGS[name](**values)
    secrets = [values[each] for each in ("PIR_TOKEN_TRIAGE_REFERRAL", "master_key", "index_key", "triage_master_key")]
    shown = f"{settings!r} {settings} {settings.model_dump()}"
    assert not [secret for secret in [*secrets, "nobody:nothing"] if secret in shown]
    with pytest.raises(ValidationError) as refused:
        SETTINGS[name](**values | {"port": 0, "master_key": "short", "triage_master_key": "short", "policy": 7})
    assert not [secret for secret in secrets if secret in str(refused.value)]
