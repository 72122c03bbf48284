"""The schema of a live database as SQL text, in the database's own words (contract C14.2)."""
