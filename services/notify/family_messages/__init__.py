"""Messages to families, and texts to the people on call, by GOV.UK Notify: off until a policy switches them on.

A message is a row as any other, of codes and dates. Where it goes is asked of the referral service at the moment of
sending, and never stored here. docs/messages.md has the rules and the words.
"""
