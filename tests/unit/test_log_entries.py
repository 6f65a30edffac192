"""Entries of a log: three kinds, each in one spelling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalib.canonical import MAX_INTEGER, canonical
from datalib.errors import Refused
from datalib.trust.entries import Entry, EventEntry, HeadsEntry, PolicyEntry, parse

DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
NUMBERS = st.integers(0, MAX_INTEGER)
ENTRIES: st.SearchStrategy[Entry] = st.one_of(
    st.builds(EventEntry, event=DIGESTS, lib=DIGESTS, prev=st.none() | DIGESTS, seq=NUMBERS),
    st.builds(HeadsEntry, at=NUMBERS, heads=DIGESTS, size=NUMBERS),
    st.builds(PolicyEntry, policy=DIGESTS, version=NUMBERS),
)


@given(ENTRIES)
def test_an_entry_is_canonical_json_and_is_read_back(entry: Entry) -> None:
    data = entry.serialise()
    assert canonical(json.loads(data)) == data
    assert parse(data) == entry


A = "a" * 64
GOOD = EventEntry(event=A, lib=A, prev=None, seq=0).serialise()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"{}",
        GOOD[:-1],
        GOOD + b"\n",
        b" " + GOOD,
        GOOD.replace(b'"seq":0', b'"seq":00'),
        GOOD.replace(b'"seq":0', b'"seq":-1'),
        GOOD.replace(b'"seq":0', b'"seq":0.0'),
        GOOD.replace(b'"seq":0', b'"seq":false'),
        GOOD.replace(b'"seq":0', b'"seq":9007199254740992'),
        GOOD.replace(b'"seq":0', b'"seq":0,"x":1'),
        GOOD.replace(b"aaaa", b"AAAA"),
        GOOD.replace(b"null", b'""'),
        GOOD.replace(b'"prev":null,', b""),
        b'{"at":0,"heads":null,"size":0}',
        b'{"heads":"%b","at":0,"size":0}' % A.encode(),
        b'{"policy":"%b","version":"1"}' % A.encode(),
    ],
)
def test_anything_else_is_no_entry(data: bytes) -> None:
    with pytest.raises(Refused, match="E-LOG-ENTRY"):
        parse(data, "here")
