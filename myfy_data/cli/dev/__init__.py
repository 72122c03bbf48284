"""`dev`: what the development profiles need, for as long as a command runs (contract C13.4, ADR 0041)."""
