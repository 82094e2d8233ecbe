"""The living files of docs/assurance: what they name as evidence, and the pages that are made from TOML files."""
