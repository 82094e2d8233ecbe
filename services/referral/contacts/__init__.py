"""Messages to families, on the side where names and numbers are: who may be written to, where, and who wants no more.

The notify service asks at the moment of sending and keeps nothing of the answer. docs/messages.md has the rules.
"""
