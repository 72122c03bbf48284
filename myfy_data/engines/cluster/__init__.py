"""One profile, several servers: who is the primary, and which pool a session's connection comes from (contract C11)."""
