"""What is answered is what is stored: every host under a real server, on every database (contract C5, C6)."""
