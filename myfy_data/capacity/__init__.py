"""Whether the servers take all the connections that the application may open (contract C11.7)."""

from myfy_data.capacity.report import ServerCapacity, read_capacity
from myfy_data.capacity.warning import warn_of_capacity

__all__ = ["ServerCapacity", "read_capacity", "warn_of_capacity"]
