"""What each event adds to the rows and the totals. Nearly all of them are read (reading.py), folded to one change of
each row, and written in one statement (writing.py); erasures, and what is heard seldom (enquiries, agencies,
places), have handlers of their own.

Late and repeated events do no harm: what is filled once stays, what has a latest version is settled by its number in
the stream of its service, and nothing is assumed about the order across topics.
"""

from __future__ import annotations

from functools import partial

from services.metrics.handlers import enquiries_agencies_places, erasing, reading, writing
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
            EnquiryReceived: enquiries_agencies_places.count_enquiries,
            AgencyUpdated: enquiries_agencies_places.keep_agencies,
            CapacityChanged: enquiries_agencies_places.keep_places,
        }
    )
