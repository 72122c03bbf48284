"""Profiles by name: which ones there are, which is the default, and what each inherits."""
