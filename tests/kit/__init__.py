"""The test kit, by projects that use it as a user would, each run by a pytest of its own (contract C13)."""
