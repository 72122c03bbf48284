"""What must hold, beyond the type of each key, and how it is told."""
