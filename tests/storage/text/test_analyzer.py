"""Text to terms."""

import threading

import pytest

from memoradb.storage.text.analyzer import ANALYZERS, analyzer


@pytest.mark.parametrize(
    ("name", "text", "terms"),
    [
        ("simple", "The CAT's naïve ﬁle", ["the", "cat's", "naïve", "file"]),
        ("standard", "The cat is here", ["cat", "here"]),
        ("english", "Parsing parsed parses", ["pars", "pars", "pars"]),
        ("simple", "parseISODate x_y2", ["parseisodate", "parse", "iso", "date", "x_y2", "x", "y", "2"]),
        ("keyword", "As It Is", ["As It Is"]),
        ("simple", "日本 straße", ["日本", "strasse"]),
        ("simple", " ... ", []),
    ],
)
def test_analyzers(name: str, text: str, terms: list[str]) -> None:
    assert analyzer(name)(text) == terms


def test_stemming_in_several_threads_gives_the_same() -> None:
    texts = [f"running{i} walks jumped" for i in range(200)]
    expected = [analyzer("english")(t) for t in texts]
    found: list[list[list[str]]] = []
    threads = [threading.Thread(target=lambda: found.append([analyzer("english")(t) for t in texts])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4 and set(ANALYZERS) == {"english", "standard", "simple", "keyword"}
