"""Three operations on one table, once for each way to a session; `database.py` times them.

A module is one row. Its `operations(url, pre_ping)` opens a pool of ten connections and yields the operations.
"""
