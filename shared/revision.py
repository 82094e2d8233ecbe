"""The migration that this code was written for; a test holds it against deploy/migrations."""

from typing import Final

REVISION: Final = "0032"
