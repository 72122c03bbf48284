"""What the models say about each key: for JSON Schema, commands and documentation."""
