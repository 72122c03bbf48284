"""An application with two databases, each with tables and migrations of its own."""
