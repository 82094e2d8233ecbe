"""Users of Kafka: for each service a name that may write its own topic and read those it listens to, and nothing else.

The deploy step makes them when it enters Kafka with a name itself (PIR_KAFKA_USER): one that the brokers let do all.
On one machine, where nobody else reaches the broker, there are no names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from shared.brokers import Brokers
from shared.events import NOTIFY_TOPIC, REFERRAL_TOPIC, TOPICS, TRIAGE_TOPIC, speaker_of
from shared.messaging.consumer import group_of

READS: Final = {
    "referral": (TRIAGE_TOPIC,),
    "triage": (REFERRAL_TOPIC, NOTIFY_TOPIC),
    "notify": (REFERRAL_TOPIC, TRIAGE_TOPIC),
    "metrics": TOPICS,
}
"""service → topics; a test compares with what each consumer asks for."""


class KafkaUsersError(Exception):
    """The brokers refused a user or a right; the words say which."""


def user_of(service: str) -> str:
    return f"pir-{service}"


def make(brokers: Brokers, passwords: Mapping[str, str]) -> None:
    """The users with these passwords, and the rights of all four; repeatable. Nothing where Kafka asks for no name.

    Raises KafkaUsersError when the brokers refuse some of it.
    """
    if not brokers.user:
        return
    from kafka import admin  # type: ignore[import-untyped]  # noqa: PLC0415  no types; a second that few need

    client = admin.KafkaAdminClient(
        bootstrap_servers=brokers.addresses,
        security_protocol=brokers.protocol,
        sasl_mechanism=brokers.mechanism.value,
        sasl_plain_username=brokers.user,
        sasl_plain_password=brokers.password,
        ssl_context=brokers.tls,
    )
    users = [
        admin.UserScramCredentialUpsertion(user_of(service), admin.ScramMechanism.SCRAM_SHA_512, password)
        for service, password in passwords.items()
    ]
    acls = [
        admin.ACL(
            f"User:{user_of(service)}",
            "*",
            admin.ACLOperation[operation],
            admin.ACLPermissionType.ALLOW,
            admin.ResourcePattern(admin.ResourceType[kind], name),
        )
        for service in READS
        for operation, kind, name in rights(service)
    ]
    try:
        refused = client.alter_user_scram_credentials(users) if users else {}
        given = client.create_acls(acls)
    finally:
        client.close()
    wrong = [f"{user}: {why}" for user, why in refused.items() if why] + [str(each) for each in given["failed"]]
    if wrong:
        raise KafkaUsersError(f"Kafka did not take the users and rights: {'; '.join(wrong)}")


def rights(service: str) -> Iterator[tuple[str, str, str]]:
    """(operation, kind of thing, its name). Read and write bring the right to see that a topic is there."""
    yield from (("READ", "TOPIC", topic) for topic in READS[service])
    yield from (("WRITE", "TOPIC", topic) for topic in TOPICS if speaker_of(topic) == service)
    yield "READ", "GROUP", group_of(service)
