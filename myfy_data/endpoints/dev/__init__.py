"""The page of development: what the databases of this process are doing (contract C12.7)."""
