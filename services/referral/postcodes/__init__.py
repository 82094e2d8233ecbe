"""The yearly postcode directory of the ONS: read once, packed, kept in PostgreSQL, looked up in memory."""
