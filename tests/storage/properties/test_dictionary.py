"""Codes of strings."""

from hypothesis import given
from hypothesis import strategies as st

from memoradb.storage.properties.dictionary import StringDictionary


@given(st.lists(st.text(max_size=3)), st.lists(st.text(max_size=3)))
def test_codes_are_given_once_and_ranks_follow_the_order_of_strings(first: list[str], more: list[str]) -> None:
    dictionary = StringDictionary(list(dict.fromkeys(first)))
    codes = {s: dictionary.code(s) for s in first}
    for string in more:
        code = dictionary.intern(string)
        assert dictionary.string(code) == string and codes.setdefault(string, code) == code
    assert len(dictionary) == len(codes) == len(dictionary.strings())
    ranks = dictionary.ranks()
    assert sorted(codes, key=lambda s: ranks[codes[s]]) == sorted(codes)
    assert dictionary.code("not there at all") == -1
