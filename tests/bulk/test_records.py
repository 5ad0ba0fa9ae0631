"""Records of CSV: what Python's own writer writes is read back, and broken quotes are told record by record."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memoradb.bulk.records import Dialect, after_last_record, is_plain, records

cells = st.text(st.sampled_from('ab",;\n\r é'), max_size=6)
tables = st.lists(st.lists(cells, min_size=2, max_size=4), max_size=6)
MULTILINE = Dialect(multiline=True)


def written(rows: list[list[str]], end: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue()


@given(tables, st.sampled_from(["\n", "\r\n"]))
def test_what_the_standard_library_writes_is_read_back(rows: list[list[str]], end: str) -> None:
    text = written(rows, end)
    found = list(records(text, MULTILINE))
    assert [record.fields for record in found] == rows
    starts = [0, *(record.end for record in found)][: len(found)]
    assert [record.line for record in found] == [1 + text.count("\n", 0, start) for start in starts]
    data = text.encode()
    assert after_last_record(data, MULTILINE) == len(data)
    assert is_plain(data, MULTILINE) or "\r" in text.replace("\r\n", "")


@given(tables, st.integers(0, 200))
def test_a_cut_is_behind_a_whole_record_wherever_the_text_ends(rows: list[list[str]], length: int) -> None:
    data = written(rows, "\n").encode()
    ends = {0} | {len(written(rows[:i], "\n").encode()) for i in range(len(rows) + 1)}
    found = after_last_record(data[:length], MULTILINE)
    assert found in ends and found <= length
    assert not [end for end in ends if found < end <= length]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ('a"b,c"d"\n', ['a"b', 'c"d"']),
        ('"a",\n', ["a", None]),
        (',""\r\n', [None, ""]),
        ('"a""b"', ['a"b']),
        ('x,"', "a quoted field is never closed"),
        ('"a"b,c\n', "text follows the closing quote of field 1"),
        ('1,"a" ,c\n', "text follows the closing quote of field 2"),
        ('"a\nb"\n', "a quoted field does not end on its line (are multi-line fields allowed?)"),
    ],
)
def test_one_record_by_the_rules(text, fields):
    (record, *rest) = records(text, Dialect())
    assert (record.error or record.fields) == fields
    assert [r.line for r in rest] in ([], [2])


@pytest.mark.parametrize("text", ['a"b\n', '"a"b\n', '"a', "a\rb\n", '"a\nb"\n', '"a"" \n'])
def test_what_is_not_plain(text):
    assert not is_plain(text.encode(), Dialect())


def test_without_quotes_everything_is_plain_and_quotes_are_text():
    assert is_plain(b'a"b,"\n', Dialect(quote=None))
    assert [r.fields for r in records('a"b,"\n', Dialect(quote=None))] == [['a"b', '"']]
