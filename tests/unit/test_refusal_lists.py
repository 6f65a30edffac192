"""Registries of refusals: what their lines mean, what they match, and what a scan does with them."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datalib.errors import Refused, Unchecked
from datalib.optout import registry_table
from datalib.optout.explain import explain
from datalib.optout.registered import prepare_registry
from datalib.optout.registry import MAX_LINE, Kind, identifiers_of, key_of, list_files
from datalib.optout.result import read_scan
from datalib.optout.scan import scan
from datalib.optout.urls import places_of
from tests.scanning import NOW, read_decisions

DIGEST = "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e.x", (Kind.DOMAIN, "e.x")),
        ("*.E.X.", (Kind.DOMAIN, "e.x")),
        (".e.x", (Kind.DOMAIN, "e.x")),
        ("қаз.example", (Kind.DOMAIN, "xn--80ao21a.example")),
        ("_dmarc.e.x", (Kind.DOMAIN, "_dmarc.e.x")),
        ("https://E.x", (Kind.PREFIX, "e.x/")),
        ("http://e.x:8080/a/", (Kind.PREFIX, "e.x:8080/a/")),
        ("https://e.x/a*", (Kind.PREFIX, "e.x/a")),
        ("https://e.x/%61?b=1#c", (Kind.URL, "e.x/a?b=1")),
        ("https://doi.org/10.1000/AbC", (Kind.ID, "doi:10.1000/abc")),
        (DIGEST.upper(), (Kind.ID, f"sha256:{DIGEST}")),
        (f"sha256:{DIGEST}", (Kind.ID, f"sha256:{DIGEST}")),
        ("10.1000/x", (Kind.ID, "doi:10.1000/x")),
        ("ISBN 0-306-40615-2", (Kind.ID, "isbn:9780306406157")),
        ("urn:isbn:9780306406157", (Kind.ID, "isbn:9780306406157")),
        ("0-8044-2957-X", (Kind.ID, "isbn:9780804429573")),
        ("ISCC:KACT4EBWK27737D2", (Kind.ID, "iscc:kact4ebwk27737d2")),
    ],
)
def test_what_a_line_names(text: str, expected: tuple[Kind, str]) -> None:
    assert key_of(text) == expected


@pytest.mark.parametrize(
    "text",
    ["localhost", "1.2.3.4", "a b.c", "https://", "https://e.x/*/a", "978-0-306-40615-8", "x@e.x", "e..x", "-",
     "a\x00.b", "0306406152X", "e.x/a", "ftp://e.x/"],
)  # fmt: skip
def test_what_names_nothing(text: str) -> None:
    assert key_of(text) is None


def test_values_of_columns_hold_identifiers() -> None:
    value = "doi:10.1/a; https://doi.org/10.1000/Z, ISBN 978-0-306-40615-7"
    assert identifiers_of(value) == ["doi:10.1000/z", "isbn:9780306406157"]
    assert identifiers_of("https://e.x/10.1000/z") == identifiers_of("x" * (MAX_LINE + 1)) == []


def matches(tmp_path: Path, lines: str, urls: list[str | None]) -> dict[int, list[str]]:
    (tmp_path / "list.txt").write_text(lines, encoding="utf-8")
    compiled = tmp_path / "compiled"
    compiled.mkdir()
    registry = prepare_registry([tmp_path / "list.txt"], compiled, NOW)
    assert registry is not None
    found: dict[int, list[str]] = {}
    for row, entry in zip(*registry.find_urls(places_of(pa.array(urls, pa.string()))), strict=True):
        found.setdefault(int(row), []).append(registry.signal(int(entry)).raw)
    return found


def test_domains_have_what_is_below_them(tmp_path: Path) -> None:
    urls = [
        "https://e.x/", "http://a.b.e.x:8080/p", "https://e.x./q?r=e.y", "https://ee.x/", "https://x/e.x", None,
        "UNLIKELY", "https://[::1]/e.x", "https://1.2.3.4/", "https://E.X", "ftp://e.x/", "https://a-very-long-name-of-a-host.e.x/",
        "https://deep.a-very-long-name-of-an-entry.example/",
    ]  # fmt: skip
    found = matches(tmp_path, "e.x\na-very-long-name-of-an-entry.example\n", urls)
    assert sorted(found) == [0, 1, 2, 9, 11, 12]


def test_urls_and_all_below_them(tmp_path: Path) -> None:
    lines = "https://e.x/a/\nhttp://e.x/b?q*\nhttps://e.x/exact\nhttps://doi.org/10.1000/a\n"
    urls: list[str | None] = [
        "http://e.x/a/b", "https://e.x/a", "https://e.x/%61/", "https://e.x/b?q=1", "https://e.x/b", "https://e.x/exact",
        "https://e.x/exactly", "https://e.x:8443/a/", "https://dx.doi.org/10.1000/A", "https://doi.org/10.1000/b",
    ]  # fmt: skip
    found = matches(tmp_path, lines, urls)
    assert sorted(found) == [0, 2, 3, 5, 8]
    assert found[0] == ["https://e.x/a/"]


def test_comments_blank_lines_and_doubles(tmp_path: Path) -> None:
    found = matches(tmp_path, '\ufeff# list\r\n\r\n"e.x"  # why\r\ne.x\n  *.e.x', ["https://e.x/"])
    assert found == {0: ["e.x"]}


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (b"e.x\nnot an entry\n", "list.txt:2"),
        (b"e.x\n\xff\n", "UTF-8"),
        (b"e.x\n" + b"x" * (MAX_LINE + 1), "longer"),
        (b"x" * (3 << 20), "longer"),
    ],
)
def test_a_registry_that_cannot_be_read_refuses_the_scan(tmp_path: Path, data: bytes, detail: str) -> None:
    (tmp_path / "list.txt").write_bytes(data)
    (tmp_path / "w.csv").write_text("url\nhttps://e.x/\n")
    with pytest.raises(Refused, match=detail) as caught:
        scan([tmp_path / "w.csv"], out=tmp_path / "out", registries=[tmp_path / "list.txt"], now=NOW)
    assert caught.value.code == "E-REGISTRY-FORMAT"
    assert not (tmp_path / "out" / "scan.json").exists()


def test_sources_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(Refused, match="no list"):
        list_files([tmp_path / "empty"])
    with pytest.raises(Unchecked):
        list_files([tmp_path / "missing"])
    with pytest.raises(Refused, match="neither a file"):
        list_files([Path("/dev/null")])
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "l.txt").write_text(f"{name}.x\n")
    with pytest.raises(Refused, match="another registry"):
        list_files([tmp_path / "a" / "l.txt", tmp_path / "b" / "l.txt"])
    assert len(list_files([tmp_path / "a", tmp_path / "a", tmp_path / "b"])) == 2


def test_a_list_that_changes_meanwhile_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_text("e.x\n")
    (file,) = list_files([tmp_path / "l.txt"])
    (tmp_path / "l.txt").write_text("e.y\n")
    with pytest.raises(Unchecked) as caught:
        list(file.entries())
    assert caught.value.code == "E-FILE-CHANGED"


def test_hashes_that_meet_do_not_mix_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_table, "_SEEDS", 0)
    with pytest.raises(Refused, match="told apart"):
        matches(tmp_path, "e.x\n", [])


def test_a_scan_refuses_what_a_registry_names(tmp_path: Path) -> None:
    works = tmp_path / "works"
    works.mkdir()
    (works / "kept.txt").write_text("kept")
    (works / "named.txt").write_text("named")
    content = base64.b64encode(b"a picture").decode()
    rows: list[dict[str, object]] = [
        {"url": "https://sub.no.example/", "id": None},
        {"url": "https://yes.example/", "id": "ISBN 978-0-306-40615-7"},
        {"url": "https://yes.example/", "id": ["x", "doi:10.1000/q"]},
        {"url": "https://yes.example/", "id": None, "file": content},
        {"url": "https://yes.example/", "id": "doi:10.1000/other"},
    ]
    (works / "t.jsonl").write_text("".join(json.dumps({"file": None} | row) + "\n" for row in rows))
    lists = tmp_path / "lists"
    (lists / "deep").mkdir(parents=True)
    digests = [hashlib.sha256(data).hexdigest() for data in (b"named", b"a picture")]
    (lists / "a.txt").write_text("no.example\nurn:isbn:9780306406157\ndoi:10.1000/Q\n")
    (lists / "deep" / "b.txt").write_text("\n".join(digests))
    (tmp_path / "s.jsonl").write_text(
        "".join(json.dumps({"origin": f"https://{host}.example", "status": 404}) + "\n" for host in ("sub.no", "yes"))
    )
    for workers in (1, 2):
        out = tmp_path / f"out{workers}"
        result = scan(
            [works], out=out, sites=[tmp_path / "s.jsonl"], registries=[lists], id_column="id", bytes_column="file",
            require_carriers=["registry"], workers=workers, now=NOW,
        )  # fmt: skip
        refused = {row.work for row in read_decisions(out) if row.reason == "registry"}
        assert refused == {"named.txt", "t.jsonl#0", "t.jsonl#1", "t.jsonl#2", "t.jsonl#3"}
        assert result == read_scan(out)
    assert (tmp_path / "out1" / "scan.json").read_bytes() == (tmp_path / "out2" / "scan.json").read_bytes()
    assert [(item["name"], item["entries"]) for item in result.registries] == [
        ("lists/a.txt", {"doi": 1, "domain": 1, "isbn": 1}), ("lists/deep/b.txt", {"sha256": 2}),
    ]  # fmt: skip
    (statement,) = explain("named.txt", tmp_path / "out1").statements
    assert (statement.where, statement.quote, statement.checked) == ("lists/deep/b.txt#L1", digests[0], True)


def test_a_registry_that_was_not_given_was_not_asked(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("url\nhttps://e.x/\n")
    (tmp_path / "s.jsonl").write_text('{"origin": "https://e.x", "status": 404}\n')
    options = {"sites": [tmp_path / "s.jsonl"], "require_carriers": ["registry"], "now": NOW}
    scan([tmp_path / "w.csv"], out=tmp_path / "out", **options)  # type: ignore[arg-type]  # keywords of scan
    assert [row.reason for row in read_decisions(tmp_path / "out")] == ["not-asked-registry"]


DECLARED = [
    ('{"iscc": "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HU", "TDM": "usageReservation"}', 1),
    ('{"ISCC": "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HU", "Generative AI Training": "usageReservation"}', 1),
    ('{"iscc": "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HU", "AI Training": "usagePermission"}', 0),
    ('{"isbn": "978-0-306-40615-7", "EpubUsageType": "11", "EpubUsageStatus": "03"}', 1),
    ('{"isbn": "978-0-306-40615-7", "EpubUsageType": "11", "EpubUsageStatus": "02"}', 1),
    ('{"isbn": "978-0-306-40615-7", "EpubUsageType": "05", "EpubUsageStatus": "03"}', 0),
    ('{"iscc": "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HU", "TDM": "perhaps"}', None),
    ('{"iscc": "ISCC:KACYPXW445FTYNJ3CYSXHAFJMA2HU"}', None),
    ('{"iscc": "?", "TDM": "usageReservation"}', None),
    ('{"isbn": "978-0-306-40615-0", "EpubUsageType": "11", "EpubUsageStatus": "03"}', None),
    ('{"isbn": "978-0-306-40615-7", "EpubUsageType": "11", "EpubUsageStatus": "99"}', None),
    ('{"TDM": "usageReservation"', None),
    ("{}", None),
]


@pytest.mark.parametrize(("line", "count"), DECLARED)
def test_declarations_in_json_name_works_or_stop(tmp_path: Path, line: str, count: int | None) -> None:
    path = tmp_path / "declared.txt"
    path.write_text(f"a.example\n{line}\n", encoding="utf-8")
    (file,) = list_files([path])
    if count is None:
        with pytest.raises(Refused, match="E-REGISTRY-FORMAT") as caught:
            list(file.entries())
        assert caught.value.where.endswith(":2")
        return
    found = list(file.entries())[1:]
    assert len(found) == count
    assert all(entry.raw.decode() == line for entry in found)


def test_a_registry_may_move_before_a_scan_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w.csv").write_text("url\nhttps://a.kz/\nhttps://b.kz/\n", encoding="utf-8")
    (tmp_path / "list.txt").write_text("a.kz\n", encoding="utf-8")

    def stopped(*_: Any) -> Any:
        raise KeyboardInterrupt

    options: dict[str, Any] = {"out": tmp_path / "out", "now": NOW}
    with monkeypatch.context() as patch:
        patch.setattr("datalib.optout.scan._judge", stopped)
        with pytest.raises(KeyboardInterrupt):
            scan([tmp_path / "w.csv"], registries=[tmp_path / "list.txt"], **options)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "list.txt").rename(tmp_path / "elsewhere" / "list.txt")
    scan([tmp_path / "w.csv"], registries=[tmp_path / "elsewhere" / "list.txt"], **options)
    evidence = pq.read_table(tmp_path / "out" / "evidence.parquet").to_pylist()
    assert [(row["bytes"], row["source"]) for row in evidence] == [(b"a.kz\n", "registry:list.txt")]
