"""`shell` and `sql`: looking into a database by hand (contract C14.3, ADR 0041)."""
