"""Section C6 of the contract: hosts."""
