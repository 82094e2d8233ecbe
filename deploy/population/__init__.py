"""Population files, one CSV per authority, and the command that checks them."""
