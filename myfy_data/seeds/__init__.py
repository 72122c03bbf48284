"""Seeds: the rows that a profile's database begins with, from `seeds/<profile>/` (contract C14.2, ADR 0040)."""
