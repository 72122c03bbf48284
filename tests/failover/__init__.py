"""`make failover`: clusters whose servers fail while applications write and read, and what came of it."""
