"""Kafka with TLS, names and rights: the whole system on it, and those that have no business there.

Each of the four clients (consumer, relay, health, what metrics has not read) goes through shared/brokers.py.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from deploy import kafka_users
from deploy.secrets import password_variable
from deploy.setup import make_topics
from shared.brokers import Brokers
from shared.events import (
    EQUALITY_TOPIC,
    NOTIFY_TOPIC,
    REFERRAL_TOPIC,
    TOPICS,
    TRIAGE_TOPIC,
    ReferralErased,
    ReferralWithdrawn,
    speaker_of,
)
from shared.messaging.cloudevents import read_record
from shared.messaging.consumer import group_of
from shared.metrics import FOREIGN
from tests.architecture.apps import NAMES, built
from tests.families import a_referral
from tests.integration.support import a_record, an_event, headers_of, something_happened
from tests.secure_kafka import SecureKafka, as_user, certify
from tests.servers import Servers, beside
from tests.system import System, eventually

PASSWORDS: Final = {service: secrets.token_urlsafe(12) for service in kafka_users.READS}


@pytest.fixture(scope="module")
def broker() -> Iterator[SecureKafka]:
    with beside(SecureKafka) as server, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of kafka-python, in its import
        warnings.simplefilter("ignore", ResourceWarning)  # of TLS connections whose loop ends with the deploy step
        asyncio.run(make_topics(server.admin))
        for _ in range(2):  # repeatable
            kafka_users.make(server.admin, PASSWORDS)
        gc.collect()
        yield server


def entering(broker: SecureKafka, service: str) -> Brokers:
    return as_user(broker.admin, kafka_users.user_of(service), PASSWORDS[service])


async def send(brokers: Brokers, topic: str) -> None:
    event = an_event()
    producer = AIOKafkaProducer(**brokers.for_client(), request_timeout_ms=5_000, enable_idempotence=True)
    try:
        await producer.start()
        await producer.send_and_wait(
            topic, event.data.model_dump_json().encode(), key=str(uuid4()).encode(), headers=headers_of(event)
        )
    finally:
        await producer.stop()


async def read(brokers: Brokers, topic: str, group: str) -> None:
    consumer = AIOKafkaConsumer(
        topic, **brokers.for_client(), group_id=group, request_timeout_ms=5_000, auto_offset_reset="earliest"
    )
    try:
        await consumer.start()
        await consumer.getmany(timeout_ms=3_000)
        await consumer.commit()
    finally:
        await consumer.stop()


@pytest.mark.parametrize("own", TOPICS)
async def test_a_service_writes_its_own_topics_alone(broker: SecureKafka, own: str) -> None:
    service = speaker_of(own)
    await send(entering(broker, service), own)
    for other in TOPICS:
        if speaker_of(other) != service:
            with pytest.raises(TopicAuthorizationFailedError):
                await send(entering(broker, service), other)


async def test_metrics_writes_nothing(broker: SecureKafka) -> None:
    for topic in TOPICS:
        with pytest.raises((ClusterAuthorizationFailedError, TopicAuthorizationFailedError)):
            await send(entering(broker, "metrics"), topic)


@pytest.mark.parametrize("service", kafka_users.READS)
async def test_a_service_reads_what_it_listens_to_in_its_own_group(broker: SecureKafka, service: str) -> None:
    topic = kafka_users.READS[service][0]
    await read(entering(broker, service), topic, group_of(service))
    with pytest.raises(GroupAuthorizationFailedError):
        await read(entering(broker, service), topic, group_of("another"))


@pytest.mark.parametrize(
    ("service", "topic"), [("referral", NOTIFY_TOPIC), ("triage", EQUALITY_TOPIC), ("notify", EQUALITY_TOPIC)]
)
async def test_a_service_does_not_read_another_topic(broker: SecureKafka, service: str, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await read(entering(broker, service), topic, group_of(service))


@pytest.mark.parametrize(
    "changes",
    [
        {"user": "", "password": ""},
        {"password": "guessed"},
        {"user": "nobody"},
        {"ca_file": None},
        {"user": "", "password": "", "ca_file": None},
    ],
    ids=["no name", "wrong password", "unknown name", "no tls", "nothing"],
)
async def test_a_forged_record_is_refused_by_the_broker(broker: SecureKafka, changes: dict[str, Any]) -> None:
    stranger = replace(entering(broker, "referral"), **changes)
    with pytest.raises(KafkaError):
        async with asyncio.timeout(20):
            await send(stranger, REFERRAL_TOPIC)


async def test_a_broker_with_another_certificate_is_not_believed(broker: SecureKafka, tmp_path: Any) -> None:
    certify(tmp_path / "ca.pem", tmp_path / "own.pem")
    with pytest.raises(KafkaError):
        async with asyncio.timeout(20):
            await send(replace(entering(broker, "referral"), ca_file=tmp_path / "ca.pem"), REFERRAL_TOPIC)


@pytest.mark.parametrize("name", NAMES)
async def test_the_table_of_rights_is_what_each_service_listens_to(name: str, tmp_path: Any) -> None:
    service = await built(name, tmp_path)
    assert service.consumer
    assert set(service.consumer.topics) == set(kafka_users.READS[name])
    await service.close()


class SecureSystem(System):
    """The deploy step enters as the one with all rights, each service as itself."""

    def __init__(self, servers: Servers, database_url: str, var: Path, broker: SecureKafka) -> None:
        super().__init__(servers, database_url, var)
        self._broker = broker
        admin = broker.admin
        self._environment |= {
            "KAFKA_BOOTSTRAP_SERVERS": admin.servers,
            "PIR_KAFKA_USER": admin.user,
            "PIR_KAFKA_PASSWORD": admin.password,
            "PIR_KAFKA_MECHANISM": admin.mechanism.value,
            "PIR_KAFKA_CA_FILE": str(admin.ca_file),
        } | {password_variable("kafka", service): password for service, password in PASSWORDS.items()}

    @property
    def brokers(self) -> Brokers:
        return self._broker.admin

    def environment_of(self, service: str) -> dict[str, str]:
        own = entering(self._broker, service)
        return super().environment_of(service) | {
            "PIR_KAFKA_USER": own.user,
            "PIR_KAFKA_PASSWORD": own.password,
            "PIR_KAFKA_MECHANISM": own.mechanism.value,
        }


def test_the_whole_system_works_on_it(broker: SecureKafka, stack: Servers, tmp_path_factory: Any) -> None:
    name = stack.new_database()
    with SecureSystem(stack, stack.url_of(name), tmp_path_factory.mktemp("secure"), broker) as system:
        receipt = system.send(a_referral()).body
        eventually(
            lambda: system.query("SELECT 1 FROM referral.referral WHERE decision IS NOT NULL"), what="a decision"
        )
        assert system.totals_at_rest()["acknowledged"] == 1
        assert system.receipts()[receipt["reference"]] == 1
    stack.drop_database(name)


# What comes under another's name, should the broker let it in.


FORGED: Final = (
    (TRIAGE_TOPIC, "/pir/triage", something_happened()),
    (REFERRAL_TOPIC, "/pir/notify", something_happened()),
    (NOTIFY_TOPIC, "/pir/referral", something_happened()),
    (REFERRAL_TOPIC, "", something_happened()),
)


@pytest.mark.parametrize(("topic", "source", "data"), FORGED, ids=["topic", "source", "both", "empty"])
def test_what_its_speaker_did_not_say_is_ignored_and_counted(topic: str, source: str, data: ReferralWithdrawn) -> None:
    event = replace(an_event(data=data), source=source)
    before = FOREIGN.labels(topic)._value.get()
    assert read_record(a_record(event, topic=topic), heard_at=datetime.now(UTC)) is None
    assert FOREIGN.labels(topic)._value.get() == before + 1


def test_what_its_speaker_said_is_heard() -> None:
    assert read_record(a_record(an_event()), heard_at=datetime.now(UTC))
    assert ReferralErased.topic == REFERRAL_TOPIC
