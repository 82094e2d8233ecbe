"""An invented past: every event of referrals that never were, told as the services would have told them.

For the tests, the benchmark and the practice reports of the demo. Nobody in it is real; the same seed tells the same.
`years` brings the stories forth, `course` lets one referral run its course, `families` and `deciding` say who is
referred and what is decided, `seasons` how well a month goes, `chance` and `hours` what chance and the calendar give.
"""

from deploy.demo.history.telling import Story
from deploy.demo.history.years import stories

__all__ = ["Story", "stories"]
