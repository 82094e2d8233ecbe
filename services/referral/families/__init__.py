"""Who belongs to whom: names → profile → matching (pure), and links (rows)."""
