"""Notifications over time and through the ways in; what they say is in tests/golden/notifications."""

from __future__ import annotations

import memoradb
from memoradb.core.spans import Position, Span
from memoradb.memql.notifications import Notification, NotificationKind, Remark


def codes(database: memoradb.Database, text: str) -> list[str]:
    return [n.code.rpartition(".")[2] for n in database.execute(text).summary.notifications]


def test_a_name_that_comes_into_the_graph_is_known_from_then_on() -> None:
    with memoradb.open(None) as db:
        text = "MATCH (n:Robot {serial: 1})-[:SERVES]->(m) RETURN n"
        unknown = ["UnknownLabelWarning", "UnknownPropertyKeyWarning", "UnknownRelationshipTypeWarning"]
        assert sorted(codes(db, text)) == unknown
        db.execute("CREATE (:Robot)")
        assert sorted(codes(db, text)) == unknown[1:]
        db.execute("MATCH (n:Robot) SET n.serial = 1 CREATE (n)-[:SERVES]->(:Person)")
        assert codes(db, text) == []


def test_a_transaction_sees_its_own_names() -> None:
    with memoradb.open(None) as db, db.begin() as transaction:
        text = "MATCH (n:Robot) RETURN n"
        assert len(transaction.execute(text).summary.notifications) == 1
        transaction.execute("CREATE (:Robot)")
        assert len(transaction.execute(text).summary.notifications) == 0
        transaction.rollback()


def test_texts_that_share_a_plan_have_their_own_places() -> None:
    with memoradb.open(None) as db:
        places = []
        for text in ("MATCH (n {x: 1}) RETURN n", "MATCH (n\n{x: 2}) RETURN n"):
            (found,) = db.execute(text).summary.notifications
            assert found.position is not None
            places.append((found.position.line, found.position.column))
        assert places == [(1, 10), (2, 1)]


def test_a_notification_survives_the_wire() -> None:
    remark = Remark(NotificationKind.UNKNOWN_LABEL, "No node has it.", Span(3, 5), "X")
    for position in (Position(3, 1, 4), None):
        made = Notification.of(remark, position)
        assert Notification.from_dict(made.to_dict()) == made


def test_kinds_have_codes_of_their_own() -> None:
    kinds = [kind.value for kind in NotificationKind]
    assert len({k.code for k in kinds}) == len({k.gqlstatus for k in kinds}) == len(kinds)
    assert all(k.gqlstatus[:2] in ("01", "03") for k in kinds)
    assert all((k.gqlstatus[:2] == "01") == (k.severity == "WARNING") for k in kinds)
