"""Real web archives: each ends in verdicts that can be argued for, whatever is broken; through the command line too."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.shared import SHARED

ARCHIVES = SHARED / "real" / "warc"
pytestmark = pytest.mark.shared

UNASKED = "hold not-asked-robots-txt"
#: What each archive gives when it is scanned alone, and why.
EXPECTED: dict[str, dict[str, int]] = {
    # The first record says to be longer than it is: all that it claims is held.
    "aut/badexample.arc.gz": {"hold damaged-record": 3},
    # One crawl, as ARC and as WARC: 299 records, 38 of them look-ups of names. 28 works stand below a Disallow for
    # everybody, some robots.txt among them; the other 10 robots.txt are no works.
    "aut/example.arc.gz": {"admit no-prohibition": 223, "refuse robots-disallow": 28, "hold site-file": 10},
    "aut/example.warc.gz": {"admit no-prohibition": 223, "refuse robots-disallow": 28, "hold site-file": 10},
    # Pages whose robots.txt is not in the archive.
    "aut/example.docs.warc.gz": {UNASKED: 9},
    "aut/example.txt.warc.gz": {UNASKED: 2},
    "aut/issue-514.warc": {UNASKED: 2},
    "chatnoir-resiliparse/clueweb-quirk.warc.gz": {UNASKED: 29},
    "ipwb/HTTP404.warc": {UNASKED: 1},
    "ipwb/salam-home.warc": {UNASKED: 1},
    "warcio/example-iana.org-chunked.warc": {UNASKED: 1},
    "warcio/example-wget-bad-target-uri.warc.gz": {UNASKED: 1},
    "warcio/example.arc.gz": {UNASKED: 1},
    "warcio/post-test.warc.gz": {UNASKED: 3},
    "webarchive-commons/mutliple-headers.warc": {UNASKED: 1},
    "whirlwind-python/whirlwind.warc.gz": {UNASKED: 1},
    "whirlwind-python/whirlwind.warc.wet.gz": {UNASKED: 1},
    # Clipped in its first record.
    "chatnoir-resiliparse/clipped.warc.gz": {"hold archive-cut": 1},
    # One page says noarchive, which Bing reads as no training.
    "chatnoir-resiliparse/warcfile.warc.gz": {UNASKED: 15, "refuse robots-meta": 1},
    # Not a form that is read.
    "chatnoir-resiliparse/warcfile.warc.lz4": {"hold not-asked-unit": 1},
    "whirlwind-python/CC-MAIN-2024-22.warc.paths.gz": {"admit no-prohibition": 1},
    # One record has a wrong length.
    "ipwb/broken.warc": {"hold damaged-record": 1, UNASKED: 1},
    # A page with its robots.txt, which is absent; an image of another site.
    "ipwb/froggie.warc.gz": {"admit no-prohibition": 1, "hold site-file": 1, UNASKED: 1},
    "ipwb/mkelly1.warc": {"admit no-prohibition": 1, "hold site-file": 1},
    # It ends before the length that its record gives.
    "ipwb/redirect.warc": {"hold archive-cut": 1},
    "warcio/example-space-in-url.arc": {"hold archive-cut": 1},
    # Ten revisits have no content.
    "ipwb/sample-1.warc.gz": {UNASKED: 65, "hold incomplete-record": 10},
    "warcio/example-bad-non-chunked.warc.gz": {UNASKED: 1, "hold incomplete-record": 1},
    "warcio/example.warc": {UNASKED: 1, "hold incomplete-record": 1},
    "warcio/example.warc.gz": {UNASKED: 1, "hold incomplete-record": 1},
    # Lengths that are -1, or no numbers; a record that its bytes end before.
    "warcio/bad.arc": {"hold damaged-record": 4},
    "warcio/example-trunc.warc": {"hold damaged-record": 1},
    # The parts of a record stand in several gzip members.
    "warcio/example-wrong-chunks.warc.gz": {"hold damaged-record": 2},
    # No work in it: requests, metadata of pages.
    "warcio/example-digest.warc": {"hold incomplete-record": 1},
    "whirlwind-python/whirlwind.warc.wat.gz": {"hold incomplete-record": 1},
    # robots.txt moved to www, where it is; two pages of sites that nobody asked.
    "webarchive-commons/IAH-urls-wget.warc.gz": {"admit no-prohibition": 12, "hold site-file": 2, UNASKED: 2},
    # A record without address; a body shorter than it says; a record with no line end behind it.
    "webarchive-commons/link-extraction-test.warc": {
        UNASKED: 4,
        "hold no-url": 1,
        "hold body-unreadable": 1,
        "hold damaged-record": 1,
    },
}


def scan(out: Path, *arguments: str | Path) -> dict[str, Any]:
    ran = subprocess.run(
        [sys.executable, "-m", "datalib_cli.entry", "scan", *arguments, "-o", out, "--format", "json"],
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr.decode()
    value: dict[str, Any] = json.loads(ran.stdout)
    return value


def verdicts(out: Path) -> dict[str, str]:
    table = pq.read_table(out / "decisions")
    columns = (table.column(name).to_pylist() for name in ("work_id", "verdict", "reason"))
    return {work: f"{verdict} {reason}" for work, verdict, reason in zip(*columns, strict=True)}


def test_every_real_archive_ends_in_the_verdicts_that_are_argued(tmp_path: Path) -> None:
    from datalib.optout.scan import scan as judge

    files = {str(path.relative_to(ARCHIVES)): path for path in sorted(ARCHIVES.rglob("*")) if path.is_file()}
    assert files.keys() == EXPECTED.keys()
    for number, (name, path) in enumerate(files.items()):
        out = tmp_path / str(number)
        result = judge([path], out=out, now=1_800_000_000)
        assert Counter(verdicts(out).values()) == EXPECTED[name], name
        assert result.works == sum(EXPECTED[name].values())


def test_all_of_them_together_through_the_command_line(tmp_path: Path) -> None:
    facts = scan(tmp_path / "out", ARCHIVES, "--admitted", "--workers", "2")
    assert facts["works"] == sum(sum(found.values()) for found in EXPECTED.values())
    found = verdicts(tmp_path / "out")
    for name, expected in EXPECTED.items():
        own = [verdict for work, verdict in found.items() if work.rpartition("@")[0] == name or work == name]
        assert len(own) == sum(expected.values()), name
        # The rules of all archives count for the works of each: more is known, and never less is held for damage.
        for reason in ("hold damaged-record", "hold archive-cut", "hold incomplete-record"):
            assert own.count(reason) <= expected.get(reason, 0), name
    admitted = facts["counts"]["verdict"]["admit"]
    assert admitted >= 223 + 223
    again = scan(tmp_path / "again", tmp_path / "out" / "admitted", "--sites", *_sites(tmp_path / "out"))
    files = [work for work, verdict in found.items() if "@" not in work and verdict.startswith("admit")]
    assert files == ["whirlwind-python/CC-MAIN-2024-22.warc.paths.gz"]  # a list that is packed: a file, and no record
    assert again["counts"]["verdict"] == {"admit": admitted - len(files)}


def _sites(out: Path) -> list[Path]:
    return [place for place in (out / "sites").iterdir() if (place / "store.json").is_file()]


def test_an_archive_cut_anywhere_admits_no_more_than_the_whole(tmp_path: Path) -> None:
    data = (ARCHIVES / "aut" / "example.warc.gz").read_bytes()
    sites = ARCHIVES / "aut" / "example.arc.gz"
    cuts = range(100_000, len(data), 100_000 if os.environ.get("DATALIB_SOAK") else 900_001)
    (tmp_path / "w.warc.gz").write_bytes(data)
    scan(tmp_path / "whole", tmp_path / "w.warc.gz", "--sites", sites)
    whole = verdicts(tmp_path / "whole")
    for size in cuts:
        (tmp_path / "w.warc.gz").write_bytes(data[:size])
        scan(tmp_path / f"cut-{size}", tmp_path / "w.warc.gz", "--sites", sites)
        found = verdicts(tmp_path / f"cut-{size}")
        different = {work: verdict for work, verdict in found.items() if whole.get(work) != verdict}
        assert len(different) <= 1  # the record that was cut
        assert not any(verdict.startswith("admit") for verdict in different.values())
