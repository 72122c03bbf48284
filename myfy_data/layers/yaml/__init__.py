"""YAML 1.2: values, positions of keys, and what is wrong with a text."""
