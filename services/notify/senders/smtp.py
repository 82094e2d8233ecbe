"""Mail by SMTP: one connection per batch, ten seconds for every answer.

    accepted                          sent
    RCPT refused: no such mailbox     undeliverable at once: 72 h will not mend an address, a person has to ask
    any other refusal (4xx, 5xx)      tried again: a full mailbox, greylisting, a filter, our own credentials or relay
    connection lost, also after DATA  tried again with the same Message-ID, for the answer may have been yes

A lost connection or 421 ends the batch: the rest of it fails with the same cause and spreads out by its own jitter.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Final

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

from services.notify.mail import Mail
from services.notify.senders import HANDED_OVER, DeliveryResult
from services.notify.settings import Settings, Tls

NO_SUCH_MAILBOX: Final = frozenset({550, 551, 553})
"""RFC 5321, 4.2.3; with an enhanced code 5.7.x (RFC 3463) they speak of policy or relaying: a fault on our side."""
CLOSING: Final = 421


class Smtp:
    """A mail server, with login and TLS as the settings say."""

    batch = 50

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, mails: Sequence[Mail]) -> AsyncGenerator[list[DeliveryResult], None]:
        """Hand over one by one on one connection, and say of each at once what came of it."""
        done, server = 0, self.server()
        try:
            await server.connect()
            for mail in mails:
                outcome = await self._send_one(server, mail)
                done += 1
                yield [outcome]
        except (SMTPException, OSError, TimeoutError) as error:
            yield [DeliveryResult(_code(error))] * (len(mails) - done)
        finally:
            await _leave(server)

    async def _send_one(self, server: aiosmtplib.SMTP, mail: Mail) -> DeliveryResult:
        """Raises when the connection is of no more use."""
        try:
            await server.sendmail(mail.sender, mail.recipient, mail.content)
        except SMTPRecipientsRefused as error:
            refused = error.recipients[0]
            return DeliveryResult(_code(refused), is_final=_is_unknown(refused))
        except SMTPResponseException as error:
            if error.code == CLOSING or not server.is_connected:
                raise
            return DeliveryResult(_code(error))
        return HANDED_OVER

    def server(self) -> aiosmtplib.SMTP:
        """A connection that is not made yet."""
        settings = self._settings
        return aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
            local_hostname=settings.mail_domain,  # else the library asks DNS for it at every batch
            timeout=settings.smtp_seconds,
            use_tls=settings.smtp_tls is Tls.TLS,
            start_tls=settings.smtp_tls is Tls.STARTTLS,
        )


def _is_unknown(refused: SMTPResponseException) -> bool:
    return refused.code in NO_SUCH_MAILBOX and not refused.message.startswith("5.7.")


def _code(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return f"smtp-{error.code}"
    return "timeout" if isinstance(error, TimeoutError) else "connection"


async def _leave(server: aiosmtplib.SMTP) -> None:
    """Politely, within a second; nothing depends on it."""
    with suppress(SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(1):
            await server.quit()
    server.close()
