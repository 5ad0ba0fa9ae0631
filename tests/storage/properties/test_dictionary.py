"""Codes of strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.storage.checkpoint.container import decode_section, encode_section
from memoradb.storage.properties.dictionary import StringDictionary, pack, unpack
from memoradb.storage.section import Section


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


@given(st.lists(st.text(max_size=5), unique=True, max_size=60), st.lists(st.text(max_size=5), max_size=20))
def test_a_packed_dictionary_is_what_it_was_before(strings: list[str], more: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memoradb.storage.properties.dictionary.PART", 8)
        patch.setattr("memoradb.storage.properties.dictionary.PACKED_MIN", 8)
        patch.setattr("memoradb.storage.properties.dictionary.HOT_ASKED", 2)
        plain = StringDictionary(list(strings))
        sections = [
            decode_section(memoryview(encode_section(s)), "f")
            for s in plain.dump("nodes/property-0-strings", len(strings))
        ]
        loaded = StringDictionary.load(sections, len(strings))
        plain.installed(sections, len(strings))
        for dictionary in (loaded, plain):
            for string in [*more, *strings]:
                assert dictionary.string(dictionary.intern(string)) == string
            assert list(dictionary.strings())[: len(strings)] == strings
            assert [dictionary.code(s) for s in strings] == list(range(len(strings)))
            assert [dictionary.string(i) for i in range(len(strings))] == strings
            known = list(dictionary.dump("nodes/property-0-strings", len(dictionary)))
            assert [s for section in known for s in unpack(section)] == list(dictionary.strings())
            assert known[: len(strings) // 8] == sections[: len(strings) // 8]


@given(st.lists(st.text(max_size=2)), st.lists(st.one_of(st.none(), st.text(max_size=2))))
def test_many_strings_get_the_codes_that_each_would_get(known: list[str], more: list[str | None]) -> None:
    one, all = StringDictionary(list(dict.fromkeys(known))), StringDictionary(list(dict.fromkeys(known)))
    assert all.intern_all(more) == [-1 if s is None else one.intern(s) for s in more]
    assert list(all.strings()) == list(one.strings())


@given(st.lists(st.one_of(st.text("abc", max_size=4), st.text(max_size=4))))
def test_strings_are_unpacked_as_they_were_packed(strings: list[str]) -> None:
    assert unpack(Section("s", pack(strings))) == strings
