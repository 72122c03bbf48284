"""Reading the configuration again while the application runs: what changes, when, and what has to wait (ADR 39)."""
