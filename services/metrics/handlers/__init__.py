"""What each event adds to the rows and the totals: one function per event, inside an open transaction.

Late and repeated events do no harm: what is filled once stays, what has a latest version is settled by its number in
the stream of its service, and nothing is assumed about the order across topics.
"""

from __future__ import annotations

from services.metrics.handlers import messages, referrals, work_items
from shared.events import (
    AgencyUpdated,
    CapacityChanged,
    EnquiryReceived,
    MessageSent,
    MessageUndeliverable,
    ReferralAmended,
    ReferralErased,
    ReferralInformed,
    ReferralReceived,
    ReferralTriaged,
    ReferralWithdrawn,
    WorkItemAccepted,
    WorkItemClaimed,
    WorkItemClosed,
    WorkItemDeclined,
    WorkItemFirstContact,
    WorkItemOpened,
    WorkItemWaiting,
)
from shared.messaging.dispatch import Counting, Handlers
from shared.policy import Policy


def handlers(policy: Policy) -> Handlers:
    """What the metrics service does with each event it hears; the policy says how long support lasts."""
    return Counting(
        {
            ReferralReceived: referrals.received(policy.age.support_ends_months),
            ReferralAmended: referrals.amended(policy.age.support_ends_months),
            ReferralInformed: referrals.start_clock,
            ReferralWithdrawn: referrals.count_withdrawn,
            ReferralErased: referrals.forget,
            EnquiryReceived: referrals.count_enquiries,
            AgencyUpdated: referrals.keep_agencies,
            ReferralTriaged: work_items.count_triaged,
            WorkItemOpened: work_items.count_opened,
            WorkItemClaimed: work_items.count_claimed,
            WorkItemWaiting: work_items.count_waiting,
            WorkItemAccepted: work_items.count_accepted,
            WorkItemFirstContact: work_items.count_first_contact,
            WorkItemDeclined: work_items.count_declined,
            WorkItemClosed: work_items.count_closed,
            CapacityChanged: work_items.keep_places,
            MessageSent: messages.count_acknowledged,
            MessageUndeliverable: messages.count_undeliverable,
        }
    )
