"""The children under two of one authority, by ward and group: what referrals are compared with."""

from services.metrics.population.file import COLUMNS, InvalidPopulationError, load, load_file, read
from services.metrics.population.model import Denominator, Population

__all__ = ["COLUMNS", "Denominator", "InvalidPopulationError", "Population", "load", "load_file", "read"]
