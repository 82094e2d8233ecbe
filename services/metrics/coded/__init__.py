"""The coded export: referrals in the codes of MHSDS and CSDS, one line each, with a dictionary."""

from services.metrics.coded.dictionary import dictionary
from services.metrics.coded.writing import coded_csv, dictionary_csv

__all__ = ["coded_csv", "dictionary", "dictionary_csv"]
