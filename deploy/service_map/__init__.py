"""Service maps before they are used: `python -m deploy.service_map` checks a file, or drafts one from a directory."""
