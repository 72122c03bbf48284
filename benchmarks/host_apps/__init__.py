"""The same two endpoints on each host, once for each library; `hosts.py` serves them.

`GET /items/{id}` reads one row by its key, `POST /items/{name}` stores one and answers 201 with its key.
"""
