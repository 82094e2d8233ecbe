"""Signing in to the staff pages: OpenID Connect, sessions kept on the server, and who looks at a page.

`visitors` say who looks, `forms` are read with their check, `routes` are the sign-in pages, `sessions` and `cookies`
hold what lasts, `provider` speaks with the council's identity provider. docs/sign-in.md is for those who set it up.
"""

from shared.sign_in.forms import read_form
from shared.sign_in.visitors import Visitor, any_visitor, optional_visitor, visitor

__all__ = ["Visitor", "any_visitor", "optional_visitor", "read_form", "visitor"]
