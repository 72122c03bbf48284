"""Sessions that tell the truth about their end (contract C5)."""
