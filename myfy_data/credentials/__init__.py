"""Credentials that a function gives: what it is asked, what it answers, and where it is found (contract C12.4)."""
