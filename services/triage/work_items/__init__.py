"""Everything about work items: what is true of one, when it is due, which steps change it, and how they are listed."""
