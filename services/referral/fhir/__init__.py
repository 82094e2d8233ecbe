"""FHIR R4 for clinical systems: a message of NHS Booking and Referral (BaRS) that says a document of `POST /referrals`.

`reading` and `writing` are pure and inverse to each other. What is read goes the way of every other referral: the same
model reads it, the same steps store it. docs/fhir.md is for those who send.
"""
