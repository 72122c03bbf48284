"""Units of work that may be run again: on which errors, how often, and how long (ADR 17)."""
