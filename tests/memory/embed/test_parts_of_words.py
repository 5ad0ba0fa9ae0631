"""Texts that share parts of words are nearer than texts that share nothing."""

import pytest

from memoradb.memory.embed.hashed import embed_many


@pytest.mark.parametrize(
    ("query", "near", "far"),
    [
        ("parse a date", "parsing dates and times", "bake a loaf of bread"),
        ("parse", "parsing", "bread"),
        ("car", "cars", "automobile"),
        ("connect to a socket", "socket connections", "round a number"),
    ],
)
def test_a_text_with_shared_stems_is_nearer_than_one_without(query: str, near: str, far: str) -> None:
    asked, first, second = embed_many([query, near, far])
    assert float(asked @ first) > float(asked @ second) + 0.1
