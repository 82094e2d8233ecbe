"""How a referral gets into the database, in reading order.

    prepare        the JSON value becomes an Arrival: read, coded, sealed, with its digests (no transaction)
    batch_writer   arrivals that wait at the same time share one transaction
    submit         one answer each: the first answer again, an amendment, or new rows and one event
    amend          a change to a referral that is stored: PATCH, an answer, a known external reference
    idempotency    one answer for each Idempotency-Key, kept for 30 days

`api.py` calls `prepare` and `batch_writer`; `submit` asks `families` who else is referred. See
docs/life-of-a-referral.md.
"""
