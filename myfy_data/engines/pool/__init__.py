"""The pool of one engine: first come, first served, bound to one event loop, with leak detection."""

from myfy_data.engines.pool.pool import BoundedPool

__all__ = ["BoundedPool"]
