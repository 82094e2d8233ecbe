"""The service map for other programs: Open Referral UK, which is a profile of HSDS 3.0 (docs/service-map.md).

HSDS is the Human Services Data Specification. `vocabulary` has what export and import both know, `documents` makes
the documents, `directory` keeps a day's and finds in them, `api` answers.
"""
