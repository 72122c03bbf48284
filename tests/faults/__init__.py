"""A proxy before a database server that understands messages and breaks the connection at the one that a test names.

async with fault_proxy(url) as (proxy, url_through):
    proxy.arm(Fault.RESET, when=commit)   # the next COMMIT is not forwarded; the connection is reset
    ...
    assert proxy.fired
"""

from tests.faults.messages import Message, commit, connecting, statement
from tests.faults.proxy import FaultProxy, fault_proxy, fault_proxy_in_thread
from tests.faults.rules import Fault, Rule

__all__ = [
    "Fault",
    "FaultProxy",
    "Message",
    "Rule",
    "commit",
    "connecting",
    "fault_proxy",
    "fault_proxy_in_thread",
    "statement",
]
