"""The four services without servers, as the architecture tests have them."""

from tests.architecture.conftest import apps, folder

__all__ = ["apps", "folder"]
