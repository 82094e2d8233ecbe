"""What agencies send: read strictly, every error at once, never the value in an error."""

from services.referral.document.ages import day_in_london
from services.referral.document.amending import (
    Challenge,
    Information,
    Withdrawal,
    dropped,
    keep_dangers,
    merge_patch,
    read_challenge,
    read_information,
    read_withdrawal,
    split_taken_back,
)
from services.referral.document.enquiry import Enquiry, read_enquiry
from services.referral.document.errors import FieldError, Invalid
from services.referral.document.model import Baby, Caregiver, Home, ReferralDocument
from services.referral.document.reading import Submission, read_referral

__all__ = [
    "Baby",
    "Caregiver",
    "Challenge",
    "Enquiry",
    "FieldError",
    "Home",
    "Information",
    "Invalid",
    "ReferralDocument",
    "Submission",
    "Withdrawal",
    "day_in_london",
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
