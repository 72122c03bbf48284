"""Database servers of this machine: found where one lets us in, else started, without containers (contract C13.4)."""
