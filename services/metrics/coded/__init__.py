"""The coded export: referrals in the codes of MHSDS and CSDS, one line each, with a dictionary."""

from services.metrics.coded.files import coded_dictionary, coded_export

__all__ = ["coded_dictionary", "coded_export"]
