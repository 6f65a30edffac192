"""Registries: the join with columns of URLs equals a comparison of each URL with each line."""

import tempfile
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib.errors import Refused
from datalib.optout.registered import prepare_registry
from datalib.optout.registry import Kind, doi_of, key_of, list_files, url_key
from datalib.optout.urls import Place, place_of, places_of

HOSTS = st.lists(st.sampled_from(["a", "b", "e", "x", "longer-than-eight", "a" * 30]), min_size=1, max_size=4).map(
    ".".join
)
PATHS = st.lists(st.sampled_from(["/", "/a", "b", "?q", "%61", "é", "/10.1000/z"]), max_size=3).map("".join)
URLS = st.tuples(
    st.sampled_from(["http://", "https://", "HTTPS://"]), st.one_of(HOSTS, HOSTS.map(str.upper), st.just("doi.org")),
    st.sampled_from(["", ":80", ":8080", "."]), PATHS.map(lambda path: "/" + path.lstrip("/")),
).map("".join)  # fmt: skip
LINES = st.one_of(HOSTS, URLS, URLS.map(lambda url: url + "*"), st.sampled_from(["doi:10.1000/z", "# x", ""]))


def named(url: str | None, lines: list[str]) -> set[tuple[Kind, str]]:
    """Compare one URL with all lines, by the definitions."""
    place = place_of(url)
    if not isinstance(place, Place):
        return set()
    host = place.origin.partition("://")[2].partition(":")[0].removesuffix(".")
    found = set()
    for kind, key in filter(None, map(key_of, lines)):
        if (
            (kind is Kind.DOMAIN and (host == key or host.endswith("." + key)))
            or (kind is Kind.URL and url_key(place) == key)
            or (kind is Kind.PREFIX and url_key(place).startswith(key))
            or (kind is Kind.ID and doi_of(place) == key)
        ):
            found.add((kind, key))
    return found


@given(st.lists(LINES, min_size=1, max_size=20), st.lists(st.none() | URLS | st.text(max_size=5), max_size=20))
@settings(max_examples=150, deadline=None)
def test_a_column_meets_what_its_urls_meet(lines: list[str], urls: list[str | None]) -> None:
    lines = [line for line in lines if not line or line.startswith("#") or key_of(line)]
    urls = [url and url.encode("utf-8", "replace").decode() for url in urls]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "l.txt").write_text("\n".join(lines), encoding="utf-8")
        registry = prepare_registry([Path(folder) / "l.txt"], Path(folder), 0)
        assert registry is not None
        found: list[set[tuple[Kind, str] | None]] = [set() for _ in urls]
        for row, entry in zip(*registry.find_urls(places_of(pa.array(urls, pa.string()))), strict=True):
            found[int(row)].add(key_of(registry.signal(int(entry)).raw))
        assert found == [named(url, lines) for url in urls]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "l.txt").write_bytes(data)
        (file,) = list_files([Path(folder)])
        with suppress(Refused):
            assert all(entry.raw for entry in file.entries())
