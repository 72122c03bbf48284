"""Validated, frozen settings, and the answers about where each value came from."""
