"""What a user is told of works on hold that no fetch of sites can clear."""

import os
from pathlib import Path

from tests.cli.conftest import Program


def test_links_and_special_files_are_held_for_what_they_are(datalib: Program) -> None:
    Path("works").mkdir()
    Path("works/a.txt").write_text("A text.\n", encoding="utf-8")
    Path("works/link.txt").symlink_to("a.txt")
    os.mkfifo("works/pipe.txt")
    done = datalib("scan", "works", "-o", "out", "--format", "json")
    assert done.data["counts"]["reason"] == {"no-prohibition": 1, "not-a-file": 2}
    told = datalib("optout", "explain", "link.txt", "--scan", "out").out
    assert "The cause: it is a link or a special file, which is not followed." in told
    assert "The work stays out until those who keep the set scan the file itself." in told


def test_sites_are_not_said_to_be_asked_where_none_can_be(datalib: Program) -> None:
    Path("works.csv").write_text("url\nftp://e.example/a\n", encoding="utf-8")
    done = datalib("scan", "works.csv", "-o", "out")
    assert "other-scheme: the URL begins with neither http nor https" in done.out
    assert "optout fetch" not in done.out
    assert "an http or https address for it" in datalib("optout", "explain", "works.csv#0", "--scan", "out").out
    Path("works.csv").write_text("url\nftp://e.example/a\nhttp://e.example/a\n", encoding="utf-8")
    assert "optout fetch" in datalib("scan", "works.csv", "-o", "more").out
