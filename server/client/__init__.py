"""Clients of a served database: ``memoradb.connect("http://...")`` and ``memoradb.connect("memoradb://...")``.

Both have ``execute`` as an embedded database has it, and answer with the same ``Result`` of the same values: over HTTP
they ask for MessagePack, which keeps the types that JSON has not. Errors come back as the classes they were on the
server. Transactions of several statements belong to the connection over ``memoradb://``, and have a name over HTTP.
"""

from .address import connect
from .http_client import HttpClient
from .transaction import ClientTransaction
from .wire_client import WireClient

__all__ = ["ClientTransaction", "HttpClient", "WireClient", "connect"]
