"""The rules, version 1: facts in, a decision with its reasons out. No clock, no I/O, no state.

`model` holds what a rule is; `safety`, `eligibility`, `need` and `marks` hold one function per rule; `assemble` puts a
decision together, step by step, and says in which order rules are listed.
"""

from services.triage.rules.assemble import decide
from services.triage.rules.model import CATALOGUE

__all__ = ["CATALOGUE", "decide"]
