"""Site files and linked licences: the vectorised judging equals the reference, whatever stands where."""

import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.optout.answers import TDMREP, Answer
from datalib.optout.decide import Profile
from datalib.optout.scan import scan
from tests.scanning import NOW, Reference, read_decisions, write_sites

EXAMPLES = 200 if os.environ.get("DATALIB_SOAK") else 25
LINES = st.sampled_from([
    "User-agent: *", "User-agent: GPTBot", "Disallow: /a", "Disallow: /", "Allow: /", "Content-Usage: /a train-ai=n",
    "License: https://e.x/l.xml", "License: /license.xml", "License: /l.xml", "License: http://[", "License: ж",
])  # fmt: skip
RSL = '<rsl xmlns="https://rslstandard.org/rsl"><content url="{}"><license>{}</license></content></rsl>'
TERMS = st.sampled_from([
    '<prohibits type="usage">ai-train</prohibits>', '<permits type="usage">all</permits>',
    '<permits type="usage">ai-train</permits><payment type="purchase"/>', '<permits type="usage">train-ai</permits>',
])  # fmt: skip
SCOPES = st.sampled_from(["/", "/a", "https://e.x/", "https://other.example/b*", ""])
DOCUMENTS = st.one_of(
    st.sampled_from([b"", b"<html>", b"<rsl/>"]),
    st.tuples(SCOPES, TERMS).map(lambda parts: RSL.format(*parts).encode()),
)
FILES = {
    "/robots.txt": st.lists(LINES, max_size=6).map(lambda lines: "\n".join(lines).encode()),
    TDMREP: st.sampled_from([b"[]", b'[{"location": "/a*", "tdm-reservation": 1}]']),
    "/ai.txt": st.sampled_from([
        b"User-Agent: *\nDisallow: *.jpg\n", b"Disallow: *", b"User-Agent: *\nAllow: /\n", b"<html>", b"x" * 9,
        b"Training: deny", b"Training: conditional\nTraining-Allow: /a*", b"Training: maybe",
    ]),
    "/.well-known/ai.txt": st.sampled_from([b"Training: conditional", b"Site-Name: x\nSite-URL: y"]),
    "/trust.txt": st.sampled_from([b"datatrainingallowed=no", b"datatrainingallowed=yes", b"member=x"]),
    "/.well-known/trust.txt": st.sampled_from([b"datatrainingallowed=?", b""]),
    "/license.xml": DOCUMENTS,
    "/l.xml": DOCUMENTS,
    "/%D0%B6": DOCUMENTS,
}  # fmt: skip
ORIGINS = ("https://e.x", "http://e.x", "https://www.e.x", "https://example.com")
STATUSES: st.SearchStrategy[int | str] = st.sampled_from([200, 200, 200, 200, 200, 404, 403, 500, "timeout"])
URLS = st.tuples(st.sampled_from(ORIGINS), st.sampled_from(["/", "/a", "/a.jpg", "/b.jpg?x", "/c", "/b"])).map("".join)


@st.composite
def worlds(draw: st.DrawFn) -> list[Answer]:
    return [
        Answer(origin=origin, path=path, status=draw(STATUSES), body=draw(FILES[path]))
        for origin in draw(st.lists(st.sampled_from(ORIGINS), unique=True, min_size=1))
        for path in ["/robots.txt", *draw(st.lists(st.sampled_from(sorted(FILES)), unique=True))]
    ]


@given(worlds(), st.lists(URLS, min_size=1, max_size=24), st.sampled_from(Profile))
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_scan_decides_as_the_reference_does(world: list[Answer], urls: list[str], profile: Profile) -> None:
    answers = list({(answer.origin, answer.path): answer for answer in world}.values())
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        pq.write_table(pa.table({"url": urls}), here / "w.parquet")
        sites = [write_sites(here / "sites.jsonl", answers)]
        scan([here / "w.parquet"], out=here / "out", sites=sites, profile=profile, now=NOW)
        reference = Reference(answers, profile)
        expected = [reference.judge(f"w.parquet#{row}", [url]) for row, url in enumerate(urls)]
        assert read_decisions(here / "out") == expected
