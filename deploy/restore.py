"""What follows a restore of the database, with all four services stopped: `python -m deploy.restore --out DIR`.

    1. the deploy step            roles, rights, migrations, the agencies' feed numbered anew
    2. deploy.reconcile --apply   lists of what was lost, into DIR; messages marked as sent; everybody signed out
    3. topics made anew           nobody reads an event that the database does not know

Each can be done again: a list that is there is never written over. Then it prints what a person does next
(docs/restore.md). It asks for what the deploy step asks for.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy import reconcile, setup
from shared.brokers import Brokers
from shared.events import TOPICS
from shared.settings import KafkaSettings

NEXT: Final = """\
Now, in this order:
  python -m services.referral erase --from-ledger
  start referral, triage and metrics
  python -m services.referral republish; python -m services.triage republish; python -m services.notify republish
  python -m deploy.check                    until it says that all rules hold
  start notify
  ring the agencies of {out}, and give the team its list"""
TRIES: Final = 150
"""A fifth of a second each."""


async def renew_topics(brokers: Brokers) -> None:
    """Delete the topics with all that is in them, and make them again; offsets of the readers go with them."""
    admin = AIOKafkaAdminClient(**brokers.for_client(), request_timeout_ms=15_000)
    await admin.start()
    try:
        if there := sorted(set(TOPICS) & set(await admin.list_topics())):
            await admin.delete_topics(there)
        is_gone = False
        for _ in range(TRIES):
            await asyncio.sleep(0.2)
            there = sorted(set(TOPICS) & set(await admin.list_topics()))
            is_gone = is_gone or not there
            if is_gone and len(there) == len(TOPICS):
                return
            if is_gone:
                with suppress(KafkaError):  # a name is free again a moment after it has left the list
                    await setup.make_topics(brokers)
        raise TimeoutError("the brokers have not made the topics anew: run it again")
    finally:
        await admin.close()


def main(arguments: list[str]) -> int:
    """All three steps, each told; 1 when the lists could not be made."""
    parser = argparse.ArgumentParser(prog="python -m deploy.restore", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="a new folder for the lists of what was lost")
    out: Path = parser.parse_args(arguments).out
    print("1. the deploy step", flush=True)
    setup.main()
    print("2. what was lost", flush=True)
    if (out / reconcile.LISTED).exists():
        print(f"listed before, in {out}")
    elif asyncio.run(reconcile.main(["--out", str(out), "--apply"])):
        return 1
    print("3. topics made anew", flush=True)
    asyncio.run(renew_topics(KafkaSettings().brokers))
    print(NEXT.format(out=out))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
