"""Enquiries: consultations and trainings."""
