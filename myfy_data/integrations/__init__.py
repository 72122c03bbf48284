"""Adapters for web frameworks; each is imported by name and needs its extra."""
