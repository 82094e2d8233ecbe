"""Invented families for development: who they are, when their referrals came, and their way through the intake."""
