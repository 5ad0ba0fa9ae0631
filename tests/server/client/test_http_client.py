"""What only the client over HTTP has: the change feed."""

from served import Served

import memoradb
from memoradb.server.client import HttpClient


def test_the_feed_over_http_tells_each_transaction_once(served: Served) -> None:
    with memoradb.connect(served.http_url) as client:
        assert isinstance(client, HttpClient)
        start = served.database.storage.position
        for i in range(5):
            client.execute("CREATE (:Fed {i: $i})", {"i": i})
        found = list(client.changes(start))
        assert [c["changes"][0]["properties"]["i"] for c in found] == [0, 1, 2, 3, 4]
        assert list(client.changes(found[2]["position"])) == found[3:]
