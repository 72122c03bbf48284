"""What hosts answer about the databases by themselves, as plain ASGI (contract C12)."""
