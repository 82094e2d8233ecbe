"""What agencies send: read strictly, every error at once, never the value in an error."""

from services.referral.document.errors import Invalid
from services.referral.document.model import Baby, Caregiver, Home, ReferralDocument
from services.referral.document.read import (
    Challenge,
    Enquiry,
    Information,
    Submission,
    Withdrawal,
    dropped,
    keep_dangers,
    merge_patch,
    read_challenge,
    read_enquiry,
    read_information,
    read_referral,
    read_withdrawal,
    split_taken_back,
)

__all__ = [
    "Baby",
    "Caregiver",
    "Challenge",
    "Enquiry",
    "Home",
    "Information",
    "Invalid",
    "ReferralDocument",
    "Submission",
    "Withdrawal",
    "dropped",
    "keep_dangers",
    "merge_patch",
    "read_challenge",
    "read_enquiry",
    "read_information",
    "read_referral",
    "read_withdrawal",
    "split_taken_back",
]
