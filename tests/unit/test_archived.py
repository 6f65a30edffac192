"""Scans of web archives: works, rules of sites in them, admitted records; what is damaged is held, the rest judged."""

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from datalib.errors import Misuse, Refused
from datalib.optout import archived
from datalib.optout import scan as scanning
from datalib.optout.answers import Answer
from datalib.optout.apply import apply
from datalib.optout.explain import explain
from datalib.optout.origins import origins_of
from datalib.optout.site_import import read_answers
from datalib.webarchive.files import called_packed
from datalib.webarchive.records import read_records
from tests import media_files as made
from tests.scanning import scan_files, write_sites
from tests.webarchives import OPEN, PAGE, arc, arc_file, http, judged, offsets, packed, record, robots, wacz

NOAI = b'<!doctype html><meta name="robots" content="noai"><p>words'
ADMIT, SITE = "admit no-prohibition", "hold site-file"


def written(path: Path, *records: bytes, zipped: bool = True) -> Path:
    path.write_bytes(packed(*records) if zipped else b"".join(records))
    return path


def one(tmp_path: Path, *records: bytes, **options: Any) -> list[str]:
    """Judge records beside an open robots.txt; give their verdicts in order."""
    path = written(tmp_path / "w.warc.gz", robots(), *records)
    _, found = judged(path, tmp_path / "out", **options)
    assert found.pop("w.warc.gz@0") == SITE
    return list(found.values())


# -- carriers


def test_works_are_named_by_their_offset_and_judged_by_all_they_say(tmp_path: Path) -> None:
    records = [
        record("", b"software: test", kind="warcinfo"),
        robots("https://open.example"),
        robots("https://shut.example", b"User-agent: GPTBot\nDisallow: /private\n"),
        record("https://open.example/a", b"GET /a HTTP/1.1\r\n\r\n", kind="request"),
        record("https://open.example/a"),
        record("https://shut.example/private/b"),
        record("https://shut.example/c"),
        record("https://open.example/d", http(NOAI)),
        record("https://open.example/e", http(PAGE, "X-Robots-Tag: index", "x-robots-tag: noai")),
        record("https://open.example/f", http(PAGE, status=451)),
        record("https://open.example/g", http(PAGE, status=429)),
        record("https://other.example/h"),
        record("https://open.example/i.jpg", http(made.jpeg(made.app1(made.mining())), kind="image/jpeg")),
        record("https://open.example/j.png", http(made.png(), kind="image/png")),
    ]
    expected = {
        1: SITE, 2: SITE, 4: ADMIT, 5: "refuse robots-ai-token", 6: ADMIT, 7: "refuse robots-meta",
        8: "refuse x-robots-tag", 9: "refuse http-refused", 10: "hold http-unclear-hold",
        11: "hold not-asked-robots-txt", 12: "refuse iptc-data-mining", 13: ADMIT,
    }  # fmt: skip
    for zipped, name in ((True, "w.warc.gz"), (False, "w.warc")):
        path = written(tmp_path / name, *records, zipped=zipped)
        result, found = judged(path, tmp_path / f"out-{zipped}")
        places = offsets(*(packed(part) if zipped else part for part in records))
        assert found == {f"{name}@{places[number]}": verdict for number, verdict in expected.items()}
        assert result.works == len(expected)
        assert [(file.path, file.rows) for file in result.inputs] == [(name, len(expected))]
        assert result.sites is not None
        assert (result.sites["answers"], result.sites["origins"]) == (2, 2)
        (row,) = pq.read_table(
            tmp_path / f"out-{zipped}" / "decisions" / "part-00000.parquet",
            filters=[("url", "=", "https://open.example/a")],
        ).to_pylist()
        assert row["carriers_asked"] == "robots.txt page transfer"


def test_a_statement_in_a_record_is_explained_with_its_bytes(tmp_path: Path) -> None:
    path = written(tmp_path / "w.warc.gz", robots(), record("https://open.example/d", http(NOAI, "X-Robots-Tag: noai")))
    judged(path, tmp_path / "out")
    why = explain("https://open.example/d", tmp_path / "out")
    assert why.work == f"w.warc.gz@{len(packed(robots()))}"
    assert sorted((said.signal, said.where, said.checked) for said in why.statements) == [
        ("robots-meta", "#body", True),
        ("x-robots-tag", "#http", True),
    ]
    why = explain("https://open.example/robots.txt", tmp_path / "out")
    assert (why.verdict, why.reason) == ("hold", "site-file")


KINDS = [
    (record(block=http(gzip.compress(NOAI), "Content-Encoding: gzip")), "refuse robots-meta"),
    (record(block=http(b"5\r\n<meta\r\n0\r\n\r\n", "Transfer-Encoding: chunked", length=False)), ADMIT),
    (record(block=http(b"5\r\n<meta\r\n", "Transfer-Encoding: chunked", length=False)), "hold body-unreadable"),
    (record(block=http(PAGE, "Content-Encoding: br")), "hold body-unreadable"),
    (record(block=http(PAGE, "Content-Encoding: br", "X-Robots-Tag: noai")), "refuse x-robots-tag"),
    (record(block=b"no response"), "hold damaged-record"),
    (record(block=http(status=302)), ADMIT),
    (record(block=http(b"", status=204)), ADMIT),
    (record(block=http(PAGE), kind="revisit"), "hold incomplete-record"),
    (record(block=b"", kind="revisit"), "hold incomplete-record"),
    (record(block=http(PAGE, "X-Robots-Tag: noai"), kind="revisit"), "refuse x-robots-tag"),
    (record("https://open.example/a", http(PAGE), "WARC-Truncated: length"), "hold incomplete-record"),
    (record("https://open.example/a", http(NOAI), "WARC-Truncated: length"), "refuse robots-meta"),
    (record("https://open.example/a", http(PAGE), "WARC-Segment-Number: 1"), "hold incomplete-record"),
    (record(block=b"more", kind="continuation"), "hold incomplete-record"),
    (record(block=b"what", kind="novelty"), "hold damaged-record"),
    (record(block=b"text", kind="conversion"), ADMIT),
    (record("https://open.example/a.pdf", b"text of it", "Content-Type: text/plain", kind="conversion"), ADMIT),
    (record("https://open.example/a", NOAI, "Content-Type: text/html", kind="resource"), "refuse robots-meta"),
    (record("<https://open.example/a>"), ADMIT),
    (record(""), "hold no-url"),
    (record("https:///"), "hold no-host"),
    (record("ftp://open.example/a"), "hold other-scheme"),
    (record("https://open.example/ai.txt", http(OPEN, kind="text/plain")), SITE),
    (record("https://open.example/robots.txt?x", http(OPEN, kind="text/plain")), SITE),
]  # fmt: skip


def test_each_kind_of_record(tmp_path: Path) -> None:
    assert one(tmp_path, *(work for work, _ in KINDS)) == [verdict for _, verdict in KINDS]


BODIES = [
    ("File:a.jpg", "text/html", NOAI, "refuse robots-meta"),
    ("File:a.jpg", "text/html; charset=x", PAGE, ADMIT),
    ("a", "text/plain", NOAI, "refuse robots-meta"),
    ("a.html", "text/plain", b'<meta name="robots" content="noai">', "refuse robots-meta"),
    ("a", "application/xhtml+xml", b'<?xml version="1.0"?>' + NOAI, "refuse robots-meta"),
    ("a", "text/html", made.jpeg(made.app1(made.mining())), "refuse iptc-data-mining"),
    ("a", "text/plain", made.jpeg(made.app1(made.mining())), "refuse iptc-data-mining"),
    ("a", "image/new", b"unknown picture", "hold not-asked-unit"),
    ("a.docx", "text/plain", b"PK\x03\x04", "hold unit-unreadable-hold"),
    ("a.jpg", "image/jpeg", made.jpeg()[:30], "hold unit-unreadable-hold"),
    ("a.txt", "text/plain", b"words", ADMIT),
]


def test_a_body_is_read_as_what_it_is_and_what_it_is_called(tmp_path: Path) -> None:
    works = [record(f"https://open.example/{name}", http(body, kind=kind)) for name, kind, body, _ in BODIES]
    assert one(tmp_path, *works) == [verdict for *_, verdict in BODIES]


def test_what_is_no_work_is_passed_over(tmp_path: Path) -> None:
    nothing = [
        record("dns:open.example", b"1.2.3.4"), record("urn:log", b"log", kind="resource"),
        record("https://open.example/a", b"{}", kind="metadata"),
    ]  # fmt: skip
    assert one(tmp_path, *nothing) == []
    path = written(tmp_path / "wat.warc.wat.gz", *nothing)
    assert judged(path, tmp_path / "out-wat")[1] == {"wat.warc.wat.gz@0": "hold incomplete-record"}


def test_large_records_and_pages_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from datalib.webarchive import http as responses
    from datalib.webarchive import records

    monkeypatch.setattr(records, "MAX_BLOCK", 4000)
    monkeypatch.setattr(responses, "MAX_BODY", 2000)
    bomb = record(block=http(gzip.compress(bytes(9000)), "Content-Encoding: gzip"))
    works = [record(block=http(PAGE * 200)), bomb, record()]
    assert one(tmp_path, *works) == ["hold too-large", "hold too-large", ADMIT]


def test_a_plain_record_whose_digest_is_wrong_is_held(tmp_path: Path) -> None:
    wrong = record("https://open.example/a", http(), "WARC-Block-Digest: sha1:AAAA")
    right = record("https://open.example/a", http(), "WARC-Block-Digest: sha-999:AAAA")
    path = written(tmp_path / "w.warc", robots(), wrong, right, zipped=False)
    assert list(judged(path, tmp_path / "out")[1].values()) == [SITE, "hold damaged-record", ADMIT]


# -- rules of sites


def check_rules(tmp_path: Path, cases: list[tuple[list[bytes], str]]) -> None:
    """Judge a work by the records of each case, each with a site of its own."""
    records: list[bytes] = []
    for number, (rules, _) in enumerate(cases):
        work = record("https://open.example/work")
        records += [part.replace(b".example", b".exam%03d" % number) for part in [*rules, work]]
    _, found = judged(written(tmp_path / "w.warc.gz", *records), tmp_path / "out")
    urls = {row["work_id"]: row["url"] for row in pq.read_table(tmp_path / "out" / "decisions").to_pylist()}
    assert [verdict for work, verdict in found.items() if str(urls[work]).endswith("/work")] == [
        verdict for _, verdict in cases
    ]


SHUT = b"User-agent: *\nDisallow: /\n"
OLD, NEW = "2020-01-01T00:00:00Z", "2024-01-01T00:00:00Z"


RULES = [
    ([robots(body=SHUT)], "refuse robots-disallow"),
    ([robots(body=SHUT, date=OLD), robots(date=NEW)], ADMIT),
    ([robots(body=SHUT, date=NEW), robots(date=OLD)], "refuse robots-disallow"),
    ([robots(body=SHUT, date=NEW), robots(date=NEW)], "refuse robots-disallow"),
    ([robots(body=SHUT, date="nonsense"), robots(date=NEW)], "refuse robots-disallow"),
    ([record("https://open.example/robots.txt", http(b"", status=404))], ADMIT),
    ([record("https://open.example/robots.txt", http(b"", status=403))], "refuse robots-refused"),
    ([record("https://open.example/robots.txt", http(b"", status=503))], "refuse robots-unreachable"),
    ([robots(date=OLD), record("https://open.example/robots.txt", http(b"", status=503), date=NEW)], ADMIT),
    ([record("https://open.example/robots.txt", http(b"", status=304))], "hold not-asked-robots-txt"),
    ([record("https://open.example/robots.txt", OPEN, kind="resource")], ADMIT),
    ([record("https://open.example/robots.txt", http(PAGE))], "hold robots-html-hold"),
    ([record("https://open.example/robots.txt", http(OPEN, "Content-Encoding: br"))], "hold not-asked-robots-txt"),
    ([record("https://open.example/robots.txt", http(OPEN), "WARC-Truncated: length")], "hold not-asked-robots-txt"),
    ([record("https://open.example/robots.txt", http(OPEN), length=9)], "hold not-asked-robots-txt"),
    ([record("https://open.example/robots.txt", b"none")], "hold not-asked-robots-txt"),
    ([record("https://open.example/robots.txt", kind="revisit")], "hold not-asked-robots-txt"),
    ([record("https://open.example/robots.txt?a", http(OPEN))], "hold not-asked-robots-txt"),
    ([robots(), record("https://open.example/.well-known/tdmrep.json",
      http(b'[{"location": "/*", "tdm-reservation": 1}]', kind="application/json"))], "refuse tdmrep"),
]  # fmt: skip


def test_rules_in_the_archive_decide(tmp_path: Path) -> None:
    check_rules(tmp_path, RULES)


def moved(origin: str, to: str, **more: Any) -> bytes:
    return record(f"{origin}/robots.txt", http(b"", f"Location: {to}", status=301), **more)


MOVED = [
    ([moved("https://open.example", "https://www.open.example/robots.txt"), robots("https://www.open.example")], ADMIT),
    ([moved("https://open.example", "//www.open.example/robots.txt"), robots("https://www.open.example", SHUT)],
     "refuse robots-disallow"),
    ([moved("https://open.example", "http://b.example/robots.txt"), moved("http://b.example", "http://c.example/robots.txt"),
      robots("http://c.example", SHUT)], "refuse robots-disallow"),
    ([moved("https://open.example", "https://open.example/home")], "hold robots-unclear-hold"),
    ([moved("https://open.example", "/robots.txt")], "hold robots-unclear-hold"),
    ([moved("https://open.example", "mailto:x")], "hold robots-unclear-hold"),
    ([moved("https://open.example", "https://b.example/robots.txt", date=OLD), robots("https://b.example", SHUT),
      robots(date=NEW)], ADMIT),
]  # fmt: skip


def test_redirects_are_followed_through_the_records(tmp_path: Path) -> None:
    check_rules(tmp_path, MOVED)


def test_rules_may_stand_in_other_archives_and_snapshots(tmp_path: Path) -> None:
    works = [written(tmp_path / f"{n}.warc.gz", record(f"https://{n}.example/x")) for n in "ab"]
    rules = written(tmp_path / "robots.warc.gz", robots("https://a.example"), robots("https://b.example", SHUT))
    assert list(judged(works, tmp_path / "o1", sites=[rules])[1].values()) == [ADMIT, "refuse robots-disallow"]
    _, found = judged([*works, rules], tmp_path / "o2")
    assert list(found.values()) == [ADMIT, "refuse robots-disallow", SITE, "refuse robots-disallow"]
    lines = write_sites(tmp_path / "s.jsonl", [Answer(origin="https://a.example", status=200, body=SHUT)])
    assert list(judged(works, tmp_path / "o3", sites=[lines, rules])[1].values()) == ["refuse robots-disallow"] * 2
    zipped = wacz(tmp_path / "r.wacz", [("archive/r.warc.gz", rules.read_bytes())])
    assert list(read_answers(zipped)) == list(read_answers(rules))
    (first, _) = read_answers(rules)
    assert first == Answer(origin="https://a.example", status=200, body=OPEN, fetched_at="2024-05-18T01:58:10Z")
    with pytest.raises(Refused) as caught:
        list(read_answers(wacz(tmp_path / "none.wacz", [])))
    assert caught.value.code == "E-SITES-FORMAT"


# -- damage, archives of other kinds


def test_what_is_damaged_is_held_and_the_rest_is_judged(tmp_path: Path) -> None:
    broken = bytearray(packed(record("https://open.example/b")))
    broken[60] ^= 0xFF
    parts = [packed(robots()), bytes(broken), packed(record()), packed(record())[:-9]]
    (tmp_path / "w.warc.gz").write_bytes(b"".join(parts))
    result, found = judged(tmp_path / "w.warc.gz", tmp_path / "out")
    places = offsets(*parts)
    assert found == {
        "w.warc.gz@0": SITE, f"w.warc.gz@{places[1]}": "hold damaged-record", f"w.warc.gz@{places[2]}": ADMIT,
        f"w.warc.gz@{places[3]}": "hold archive-cut",
    }  # fmt: skip
    assert result.counts["reason"] == {"site-file": 1, "damaged-record": 1, "no-prohibition": 1, "archive-cut": 1}


def test_arc_and_wacz(tmp_path: Path) -> None:
    data = arc_file(arc("https://open.example/robots.txt", http(OPEN)), arc("https://open.example/a", http()))
    (tmp_path / "a.arc").write_bytes(data)
    (tmp_path / "b.arc.gz").write_bytes(gzip.compress(data))
    inner = packed(robots(), record())
    wacz(tmp_path / "c.wacz", [("archive/x.warc.gz", inner), ("archive/y.warc", record())])
    _, found = judged(tmp_path, tmp_path.parent / "out-kinds")
    about = len(arc_file())
    first = about + len(arc("https://open.example/robots.txt", http(OPEN)))
    assert found == {
        f"a.arc@{about}": SITE, f"a.arc@{first}": ADMIT,
        f"b.arc.gz@0+{about}": SITE, f"b.arc.gz@0+{first}": ADMIT,
        "c.wacz/archive/x.warc.gz@0": SITE, f"c.wacz/archive/x.warc.gz@{len(packed(robots()))}": ADMIT,
        "c.wacz/archive/y.warc@0": ADMIT,
    }  # fmt: skip


def test_a_wacz_that_cannot_be_trusted_is_one_work_on_hold(tmp_path: Path) -> None:
    wacz(tmp_path / "none.wacz", [])
    (tmp_path / "junk.wacz").write_bytes(b"junk")
    assert judged(tmp_path, tmp_path.parent / "o1")[1] == {
        "junk.wacz": "hold damaged-record", "none.wacz": "hold damaged-record",
    }  # fmt: skip
    path = wacz(tmp_path.parent / "crc.wacz", [("archive/a.warc", robots() + record())])
    data = bytearray(path.read_bytes())
    data[data.index(b"words")] ^= 1
    path.write_bytes(data)
    assert judged(path, tmp_path.parent / "o2")[1] == {"crc.wacz/archive/a.warc@0": "hold archive-cut"}


# -- admitted records


def urls_of(path: Path) -> list[tuple[str, bytes]]:
    data = iter([path.read_bytes(), b""])
    found = list(read_records(lambda: next(data), packed=called_packed(path.name)))
    assert not any(one.trouble for one in found)
    return [(one.url, one.block) for one in found]


def test_admitted_records_are_written_with_their_bytes(tmp_path: Path) -> None:
    refused = record("https://open.example/no", http(NOAI))
    kept = [record(f"https://open.example/{n}") for n in range(3)]
    order = [robots(), kept[0], refused, kept[1], kept[2]]
    for zipped, name in ((True, "w.warc.gz"), (False, "w.warc")):
        path = written(tmp_path / name, *order, zipped=zipped)
        result, _ = judged(path, tmp_path / f"out-{name}", admitted=True)
        place = tmp_path / f"out-{name}" / "admitted" / name.replace("w.", "part-00000.")
        assert place.read_bytes() == (packed(*kept) if zipped else b"".join(kept))
        assert [(file.path, file.rows) for file in result.outputs if "admitted" in file.path] == [
            (f"admitted/{place.name}", 3)
        ]
        _, again = judged(place, tmp_path / f"again-{name}", sites=[path])
        assert list(again.values()) == [ADMIT] * 3
    path = written(tmp_path / "none.warc.gz", refused)
    judged(path, tmp_path / "out-none", admitted=True)
    assert not (tmp_path / "out-none" / "admitted").exists()


def test_admitted_records_of_shared_members_arc_and_wacz(tmp_path: Path) -> None:
    order = [robots(), record("https://open.example/0"), record("https://open.example/no", http(NOAI)), record()]
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(b"".join(order)) + packed(record()))
    wacz(tmp_path / "b.wacz", [("archive/x.warc.gz", packed(*order))])
    lines = [arc("https://open.example/robots.txt", http(OPEN)), arc("https://open.example/a", http())]
    (tmp_path / "c.arc.gz").write_bytes(packed(arc_file(), *lines))
    (tmp_path / "d.warc").write_bytes(b"".join(order)[:-4])
    out = tmp_path.parent / "out-shared"
    judged(tmp_path, out, admitted=True)
    names = sorted(path.name for path in (out / "admitted").iterdir())
    assert names == ["part-00000.warc.gz", "part-00001.warc.gz", "part-00002.arc.gz", "part-00003.warc"]
    first = [("https://open.example/0", http()), ("https://open.example/a", http())]
    assert urls_of(out / "admitted" / names[0]) == [*first, first[1]]
    assert urls_of(out / "admitted" / names[1]) == first
    assert [url for url, _ in urls_of(out / "admitted" / names[2])] == ["filedesc://t.arc", "https://open.example/a"]
    assert urls_of(out / "admitted" / names[3]) == first
    assert (out / "admitted" / names[3]).read_bytes().endswith(b"words\r\n\r\n")


# -- the same whatever


def archive_folder(folder: Path) -> Path:
    folder.mkdir()
    for part in range(3):
        rows = [robots(f"https://h{part}.example", b"User-agent: *\nDisallow: /no\n")]
        for n in range(40):
            page = NOAI if n % 9 == 0 else PAGE
            rows.append(record(f"https://h{n % 4}.example/{'no' if n % 5 == 0 else 'yes'}/{n}", http(page)))
        written(folder / f"{part}.warc.gz", *rows)
    (folder / "cut.warc").write_bytes((robots("https://h3.example") + record())[:-20])
    wacz(folder / "z.wacz", [("archive/a.warc.gz", packed(record("https://h1.example/a")))])
    return folder


def test_the_result_depends_on_the_archives_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works = archive_folder(tmp_path / "works")
    judged(works, tmp_path / "one", admitted=True)
    judged(works, tmp_path / "two", admitted=True, workers=2)
    monkeypatch.setattr(archived, "_ROWS", 7)
    judged(works, tmp_path / "three", admitted=True)
    assert scan_files(tmp_path / "one") == scan_files(tmp_path / "two") == scan_files(tmp_path / "three")


def test_an_archive_that_was_read_is_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works = archive_folder(tmp_path / "works")
    judged(works, tmp_path / "whole")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scanning, "gather", stop)
        with pytest.raises(KeyboardInterrupt):
            judged(works, tmp_path / "out")
    assert list((tmp_path / "out" / "work").glob("*.read"))
    with monkeypatch.context() as patch:
        patch.setattr(archived, "read_records", stop)
        judged(works, tmp_path / "out")
    assert scan_files(tmp_path / "out") == scan_files(tmp_path / "whole")


def test_the_sites_of_archives_can_be_asked_for(tmp_path: Path) -> None:
    works = archive_folder(tmp_path / "works")
    origins = {f"https://h{part}.example" for part in range(4)}
    assert set(origins_of([works])) == origins | {"https://open.example"}
    path = written(tmp_path / "w.warc.gz", record("dns:a"), record("https://a.example/x"), record("https://b.example/"))
    assert list(origins_of([path])) == ["https://a.example", "https://b.example"]


def test_records_of_a_library_are_not_taken_out_of_their_archive(tmp_path: Path) -> None:
    works = tmp_path / "library"
    works.mkdir()
    (works / "datapackage.json").write_text("{}", encoding="utf-8")
    written(works / "w.warc.gz", robots(body=SHUT), record("https://open.example/x"))
    judged(works, tmp_path / "out")
    before = (works / "w.warc.gz").read_bytes()
    with pytest.raises(Misuse) as caught:
        apply(works, tmp_path / "out")
    assert caught.value.detail.startswith("records stay in their archive")
    assert (works / "w.warc.gz").read_bytes() == before


def test_registries_name_records_by_url_and_digest(tmp_path: Path) -> None:
    import hashlib

    listed = tmp_path / "r.txt"
    listed.write_text(f"named.example\nsha256:{hashlib.sha256(b'words').hexdigest()}\n", encoding="utf-8")
    text = http(gzip.compress(b"words"), "Content-Encoding: gzip", kind="text/plain")
    works = [record(block=text), record("https://named.example/a"), record()]
    assert one(tmp_path, *works, registries=[listed]) == ["refuse registry", "refuse registry", ADMIT]
    facts = json.loads((tmp_path / "out" / "scan.json").read_bytes())
    assert facts["counts"]["verdict"] == {"admit": 1, "hold": 1, "refuse": 2}
