"""`DataModule`: settings, engines and sessions put together, started and stopped (contract C4)."""
