"""An invented past: every event of referrals that never were, told as the services would have told them.

For the tests, the benchmark and the practice reports of the demo. Nobody in it is real; the same seed tells the same.
`years` brings the stories forth, `course` lets one referral run its course, `families` says who is referred (invented
as for the live demo, read as the intake reads), `triaging` and `working` what triage and its staff do, by triage's own
rules, conditions and table of steps; `seasons` how well a month goes, `hours` what the calendar gives.
"""

from deploy.demo.history.telling import Story
from deploy.demo.history.years import stories

__all__ = ["Story", "stories"]
