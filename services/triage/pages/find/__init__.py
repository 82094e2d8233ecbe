"""Finding a referral."""
