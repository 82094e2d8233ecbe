"""What is around a service: Kafka, the mail server, the identity provider, its files and its disk."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import aiosmtplib
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.doctor.findings import Finding, look, well, wrong
from services.notify.senders.smtp import Smtp
from services.notify.settings import Settings as NotifySettings
from shared.events import PARTITIONS, TOPICS
from shared.policy import InvalidPolicyError
from shared.retention import InvalidScheduleError
from shared.retention import load as load_schedule
from shared.settings import Settings
from shared.sign_in.refusals import RefusedError
from shared.sign_in.wire import Wire

SECONDS: Final = 10.0
"""For each that is asked."""
FREE: Final = 0.1
"""Of a disk; the alert DiskAlmostFull begins there."""


async def ask_kafka(settings: Settings) -> AsyncIterator[Finding]:
    """Can it be entered, and are the topics there."""
    about = "Kafka"
    try:
        admin = AIOKafkaAdminClient(**settings.brokers.for_client(), request_timeout_ms=int(SECONDS * 1000))
    except (OSError, ValueError) as error:
        yield wrong(about, f"a file of PIR_KAFKA_..._FILE can't be used ({type(error).__name__})")
        return
    try:
        async with asyncio.timeout(2 * SECONDS):
            await admin.start()
            described = await admin.describe_topics()  # of all: to ask for one by name may make it
    except (OSError, KafkaError, TimeoutError) as error:
        yield wrong(about, f"KAFKA_BOOTSTRAP_SERVERS can't be entered ({type(error).__name__}): {_entering(settings)}")
        return
    finally:
        await admin.close()
    found = {topic["topic"]: len(topic["partitions"]) for topic in described if not topic["error_code"]}
    counts = {name: found[name] for name in TOPICS if name in found}
    if missing := sorted(set(TOPICS) - set(counts)):
        yield wrong(about, f"no topic {', '.join(missing)}, or no right to it: run the deploy step")
    elif few := {topic for topic, count in counts.items() if count != PARTITIONS}:
        yield wrong(about, f"{', '.join(sorted(few))}: not {PARTITIONS} partitions, which order per family rests on")
    else:
        yield well(about, f"answers, with its {len(counts)} topics")


def _entering(settings: Settings) -> str:
    if settings.kafka_ca_file:
        return "the address, the certificates of PIR_KAFKA_CA_FILE, or user and password"
    return "the address, or user and password" if settings.kafka_user else "the address, or it wants PIR_KAFKA_USER"


async def ask_mail(settings: NotifySettings) -> AsyncIterator[Finding]:
    """Greeted, with TLS and login as a mail would be; none is sent."""
    about = "mail"
    if settings.mail_dir:
        yield look(about, f"goes to files in {settings.mail_dir}, and to nobody")
        return
    try:
        async with asyncio.timeout(SECONDS), Smtp(settings).server():
            yield well(about, f"{settings.smtp_host}:{settings.smtp_port} greets, and lets in whom the settings name")
    except aiosmtplib.SMTPAuthenticationError as error:
        yield wrong(about, f"{settings.smtp_host} refuses PIR_SMTP_USER or PIR_SMTP_PASSWORD ({error.code})")
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        where = f"{settings.smtp_host}:{settings.smtp_port}"
        yield wrong(about, f"{where} does not take us ({type(error).__name__}): see PIR_SMTP_PORT and PIR_SMTP_TLS")


async def ask_provider(settings: Settings) -> AsyncIterator[Finding]:
    """Its metadata and its keys; whether it knows us is seen when somebody signs in."""
    about = "sign-in"
    if not settings.oidc_metadata_url:
        yield look(about, "PIR_OIDC_METADATA_URL is not set: nobody can sign in to pages")
        return
    try:
        async with asyncio.timeout(SECONDS):
            await Wire(settings.oidc_metadata_url).keys()
    except (RefusedError, TimeoutError, ValueError):
        yield wrong(about, "PIR_OIDC_METADATA_URL gives no metadata of an issuer with keys: see the line above")
    else:
        yield well(about, "the identity provider shows its metadata and its keys")


async def ask_files(settings: Settings) -> AsyncIterator[Finding]:
    """The policy, the retention schedule, and what has to be written."""
    try:
        policy = settings.policy_in_force()
        yield well("policy", f"{policy.id}, version {policy.version}")
    except InvalidPolicyError as error:
        yield wrong("policy", str(error))
    try:
        load_schedule(settings.retention_file)
    except (OSError, InvalidScheduleError) as error:
        yield wrong("retention", f"PIR_RETENTION_FILE: {error}")
    heads = settings.audit_heads_file
    if not _may_write(heads):
        yield wrong("audit", f"PIR_AUDIT_HEADS_FILE: {heads} can't be written by this user")
    try:
        disk = shutil.disk_usage(settings.disk_folder)
    except OSError as error:
        yield wrong("disk", f"PIR_DISK_FOLDER: {settings.disk_folder} ({type(error).__name__})")
        return
    said = f"{disk.free / 2**30:.1f} of {disk.total / 2**30:.1f} GiB are free where PIR_DISK_FOLDER is"
    yield well("disk", said) if disk.free > FREE * disk.total else wrong("disk", f"only {said}")


def _may_write(file: Path) -> bool:
    """Whether it could be appended to or made, with the folders above it."""
    try:
        there = next(each for each in (file, *file.absolute().parents) if each.exists())
        return os.access(there, os.W_OK | os.X_OK) if there.is_dir() else there == file and os.access(file, os.W_OK)
    except OSError:  # a folder above it may not be entered
        return False
