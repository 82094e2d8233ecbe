"""One work item and its referral: what to do, whom to ring, the reasons and the history."""
