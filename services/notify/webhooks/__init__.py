"""Webhooks: agencies' systems are told that something changed, and then ask the referral service what.

The feed of an agency is its queue (docs/decisions/0030): an endpoint keeps a cursor of the feed, `loop.py` asks the
referral service what lies past it, stores a delivery for each change with the cursor that follows, and sends what is
due. docs/webhooks.md says what a receiver sees.
"""
