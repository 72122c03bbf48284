"""`doctor`: what is wrong with a set-up, found by reading alone (contract C12.6)."""
