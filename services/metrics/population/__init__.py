"""The children under two of one authority, by ward and group: what referrals are compared with."""

from services.metrics.population.model import Denominator, Population
from services.metrics.population.reading import COLUMNS, InvalidPopulationError, load, load_file, read

__all__ = ["COLUMNS", "Denominator", "InvalidPopulationError", "Population", "load", "load_file", "read"]
