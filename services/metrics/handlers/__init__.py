"""What each event adds to the rows and the totals. Nearly all of them are read (reading.py), folded to one change of
each row, and written in one statement (writing.py); erasures (erasing.py) and what is heard seldom (seldom.py) have
handlers of their own.

Late and repeated events do no harm: what is filled once stays, what has a latest version is settled by its number in
the stream of its service, and nothing is assumed about the order across topics.
"""

from __future__ import annotations

from functools import partial

from services.metrics.handlers import erasing, reading, seldom, writing
from shared.events import AgencyUpdated, CapacityChanged, EnquiryReceived, ReferralErased
from shared.messaging.dispatch import Counting, Handlers, Repeatable
from shared.policy import Policy


def handlers(policy: Policy) -> Handlers:
    """What the metrics service does with each event it hears; the policy says how long support lasts."""
    readings = reading.readings(policy.age.support_ends_months)
    counted = Repeatable(partial(writing.count, readings=readings), writing.UNLESS_ERASED, writing.observe)
    return Counting(
        dict.fromkeys(readings, counted)
        | {
            ReferralErased: erasing.erase,
            EnquiryReceived: seldom.count_enquiries,
            AgencyUpdated: seldom.keep_agencies,
            CapacityChanged: seldom.keep_places,
        }
    )
