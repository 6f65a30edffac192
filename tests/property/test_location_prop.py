"""The vectorised judging equals the reference, on odd URLs, odd files, and their mixtures."""

import os
import random
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datalib.optout.answers import TDMREP, Answer
from datalib.optout.decide import Profile
from datalib.optout.scan import scan
from datalib.optout.urls import Fault, Place, place_of, places_of
from tests.scanning import NOW, Reference, read_decisions, write_sites

EXAMPLES = 150 if os.environ.get("DATALIB_SOAK") else 20
WORDS = """
    http:// https:// HTTPS:// ftp:// // / \\ a b e.x e.x/ www.e.x E.X xn-- xn--a.kz example.com example。com
    ex%61mple.com 1.2.3.4 0x7f.1 a.1 a.0x1 .. . /.. /./ %2e %2E%2e % %41 %zz ? ?a=b # #f é қ 😀 : :80 :443 :8080 :99999
    @ u:p@ [::1] _ - -- * $ ' " < > ^ ` { | ~ ! ; = & + , ( UNLIKELY data:text/plain,x mailto:a@e.x wp-admin/
    private/x.jpg
"""
PIECES = st.sampled_from([*WORDS.split(), " ", "\t", "\n", "\0", "a" * 300])
ROOTS = st.sampled_from(["http://e.x", "https://e.x", "https://e.x:8080", "https://sub.e.x"])
URLS = st.one_of(
    st.none(),
    st.lists(PIECES, max_size=7).map("".join),
    st.tuples(ROOTS, st.lists(PIECES, max_size=5)).map(lambda parts: parts[0] + "/" + "".join(parts[1])),
    st.text(max_size=30).filter(lambda text: text.encode("utf-8", "ignore").decode() == text),
)


@given(st.lists(URLS, max_size=20))
@example(["http://e.x", "https://e.x?q", "https://a.b./", "https://t.co/", "http://a.b/"])
@settings(max_examples=400, deadline=None)
def test_a_column_of_urls_has_the_places_of_its_urls(urls: list[str | None]) -> None:
    found = places_of(pa.array(urls, pa.string()))
    for row, url in enumerate(urls):
        expected = place_of(url)
        start, cut, end = (int(edge[row]) for edge in (found.start, found.cut, found.end))
        if isinstance(expected, Fault):
            assert (Fault(found.fault[row]), start, cut, end) == (expected, 0, 0, 0)
        else:
            origin, target = found.data[start:cut].tobytes().decode(), found.target(row).decode()
            assert Place(origin=origin, target=target) == expected
            assert found.fault[row] == 0


def test_a_slice_and_a_large_column_have_the_same_places() -> None:
    urls = ["https://a.b/1", None, "UNLIKELY", "https://a.b/2", "https://A.b/3"]
    whole = places_of(pa.array(urls, pa.large_string()))
    part = places_of(pa.array(urls, pa.string()).slice(2, 3))
    assert whole.fault[2:].tolist() == part.fault.tolist() == [Fault.NO_HOST, 0, 0]
    assert [part.data[a:b].tobytes() for a, b in zip(part.start, part.end, strict=True)] == [
        b"",
        b"https://a.b/2",
        b"https://a.b/3",
    ]
    assert places_of(pa.array([], pa.string())).start.dtype == np.int64


PARTS = """
    / /a /b * $ /private /private/ ? = .jpg /wp-admin/ %41 %2F %zz é /a/b/c/d/e/f/g x /* *? /*.jpg$ index.html
    & + ~ /A //
"""
PATTERNS = st.lists(st.sampled_from([*PARTS.split(), " ", "#c"]), min_size=1, max_size=4).map("".join)
RULES = ("Disallow", "Disallow", "Allow")
AGENTS = ["*", "GPTBot", "CCBot", "datalib", "Google-Extended", "gptbot, ccbot", "AI2Bot", "Applebot-Extended", "Foo"]
OTHERS = """
Disallow:
# text and data mining is prohibited
Content-Signal: ai-train=no
Content-Signal: /a ai-train=no
Content-Usage: train-ai=n
Content-Usage: /a train-ai=n
DisallowAITraining: /b
License: https://e.x/l.xml
Sitemap: https://e.x/s.xml
tdm-reservation: 1
noindex
<html>
"""
LINES = st.one_of(
    st.sampled_from(AGENTS).map(lambda agent: f"User-agent: {agent}"),
    st.tuples(st.sampled_from(["Disallow: ", "Disallow: ", "Allow: "]), PATTERNS).map("".join),
    st.sampled_from(OTHERS.splitlines()),
)
BODIES = st.lists(LINES, max_size=14).map(lambda lines: "\n".join(lines).encode())
FAILURES = ["dns", "timeout", "truncated", "too-large"]
STATUSES: st.SearchStrategy[int | str] = st.sampled_from([200] * 8 + [204, 301, 401, 404, 410, 429, 500, *FAILURES])
TDMREPS = st.sampled_from(
    b"""
    []
    [{"location": "/", "tdm-reservation": 1}]
    [{"location": "/", "tdm-reservation": 0}]
    [{"location": "/a*", "tdm-reservation": 1}]
    [{"location": "/private", "tdm-reservation": "1"}, {"location": "/"}]
    {
    <html>
    """.splitlines()
)
ORIGINS = ("https://e.x", "http://e.x", "https://sub.e.x", "https://example.com", "https://e.x:8080")
TARGETS = st.lists(PATTERNS, max_size=3).map(lambda parts: "/" + "".join(parts).replace("#", "").replace("$", "/"))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Answer], list[tuple[str | None, str | None]]]:
    answers = []
    for origin in draw(st.lists(st.sampled_from(ORIGINS), unique=True)):
        answers.append(Answer(origin=origin, status=draw(STATUSES), body=draw(BODIES)))
        if draw(st.booleans()):
            answers.append(Answer(origin=origin, path=TDMREP, status=draw(STATUSES), body=draw(TDMREPS)))
    paths = st.tuples(st.sampled_from(ORIGINS), TARGETS).map("".join)
    url = st.one_of(paths, paths, paths, URLS)
    return answers, draw(st.lists(st.tuples(url, url), min_size=1, max_size=40))


@given(worlds(), st.sampled_from(Profile), st.booleans())
@settings(max_examples=EXAMPLES, deadline=None)
def test_a_scan_decides_as_the_reference_does(
    world: tuple[list[Answer], list[tuple[str | None, str | None]]], profile: Profile, both: bool
) -> None:
    answers, rows = world
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        columns = {"url": [row[0] for row in rows]} | ({"page_url": [row[1] for row in rows]} if both else {})
        pa.parquet.write_table(
            pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), here / "w.parquet"
        )
        sites = [write_sites(here / "sites.jsonl", answers)] if answers else []
        scan([here / "w.parquet"], out=here / "out", sites=sites, profile=profile, now=NOW)
        reference = Reference(answers, profile)
        expected = [reference.judge(f"w.parquet#{n}", row if both else row[:1]) for n, row in enumerate(rows)]
        assert read_decisions(here / "out") == expected


def test_a_large_mixture_is_decided_as_the_reference_does(tmp_path: Path) -> None:
    """Many files and many paths at once, from the same parts: the joins meet rows and rules in every order."""
    chance = random.Random(7)
    parts = PARTS.split()

    def pattern() -> str:
        return "".join(chance.choices(parts, k=chance.randint(1, 4)))

    def line() -> str:
        kind = chance.random()
        if kind < 0.25:
            return f"User-agent: {chance.choice(AGENTS)}"
        return chance.choice(OTHERS.splitlines()) if kind > 0.95 else f"{chance.choice(RULES)}: {pattern()}"

    bodies = [
        "\n".join(["User-agent: *", *(line() for _ in range(chance.randint(0, 25)))]).encode() for _ in range(150)
    ]
    answers = [Answer(origin=f"https://h{n}.e.x", status=200, body=body) for n, body in enumerate(bodies)]
    urls = [
        f"https://h{chance.randrange(155)}.e.x/" + pattern().replace("#", "").replace("$", "/").lstrip("/")
        for _ in range(1500)
    ]
    pq.write_table(pa.table({"url": urls}), tmp_path / "w.parquet")
    scan([tmp_path / "w.parquet"], out=tmp_path / "out", sites=[write_sites(tmp_path / "s.jsonl", answers)], now=NOW)
    reference = Reference(answers)
    assert read_decisions(tmp_path / "out") == [reference.judge(f"w.parquet#{n}", [url]) for n, url in enumerate(urls)]
