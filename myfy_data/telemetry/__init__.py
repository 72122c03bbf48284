"""What can be seen of a module at work: slow queries, spans, metrics (contract C12.2, C12.3)."""
