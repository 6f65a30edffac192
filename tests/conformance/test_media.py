"""Real media files, each judged as its class calls for."""

from pathlib import Path

import pytest

from tests.conformance import media
from tests.shared import SHARED


@pytest.mark.shared
def test_each_file_is_judged_as_its_class_calls_for(capsys: pytest.CaptureFixture[str]) -> None:
    status = media.main([str(SHARED / "real" / "media")])
    printed = capsys.readouterr().out
    assert status == 0, printed
    assert int(printed.split()[0]) >= 73


def test_a_wrong_verdict_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_bytes(b"words")
    (tmp_path / "b.jpg").write_bytes(b"\xff\xd8\xff")
    listed = "file\tclass\na.txt\topt-out\nb.jpg\tmalformed-undetermined\nc.png\tclean\n"
    (tmp_path / media.LIST).write_text(listed, encoding="utf-8")
    assert media.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "FAILED a.txt: opt-out calls for refuse, got admit (no-prohibition)",
        "FAILED c.png: clean calls for admit, got not scanned",
        "1 passed, 2 failed",
    ]
