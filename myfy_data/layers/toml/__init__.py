"""TOML: values, positions of keys, and what is wrong with a text."""
