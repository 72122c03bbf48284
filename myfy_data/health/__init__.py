"""Health: which profiles answer now, and whether the process is ready for requests (contract C4, C12.1)."""
