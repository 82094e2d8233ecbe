"""Referrals that are told by telephone."""
