"""How well the detectors of personal data tell made identifiers apart; how fast they are, in how much memory."""

import json
import random
from pathlib import Path

from bench.row import Row
from bench.usage import measure, program
from tests.made_identifiers import made, scores

_SEED = 20261125
_MB = 1e6


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Score the detectors on made texts, then look through a folder of made tables and texts."""
    found = scores(made(_SEED, 60_000))
    rows = [
        Row(what=f"{what} of {kind}", against="made texts", ours=value, theirs=None, unit="share", ratio=None, aim=aim)
        for kind, score in found.items()
        for what, value, aim in (("precision", score.precision, ">= 0.99"), ("recall", score.recall, ">= 0.99"))
    ]
    size = _folder(tmp / "library", 50 if full else 5)
    used = measure(
        [program("datalib"), "check", tmp / "library", "--look", "full", "--rules", "kz"], good=(0, 1)
    )  # findings of other rules are no matter here
    return [
        *rows,
        _row("check --look full", size / _MB / used.cpu, "MB/CPU s", ""),
        _row("check --look full, memory", used.peak, "MB", "<= 300 MB"),
    ]


def _row(what: str, ours: float, unit: str, aim: str) -> Row:
    return Row(what=what, against="", ours=ours, theirs=None, unit=unit, ratio=None, aim=aim)


def _folder(folder: Path, tens: int) -> int:
    """Make a draft with a table and a text of ``tens`` times ten megabytes together; give its size in bytes."""
    folder.mkdir()
    random_ = random.Random(_SEED)
    lines = [one.text.replace("\n", " ").replace('"', "") for one in made(_SEED, 20_000)]
    with (
        (folder / "table.csv").open("w", encoding="utf-8") as table,
        (folder / "text.txt").open("w", encoding="utf-8") as text,
    ):
        table.write("number,when,remark\n")
        while table.tell() < tens * 5_000_000:
            for line in lines:
                table.write(f'{random_.randrange(10**11)},2026-05-{random_.randrange(1, 29):02},"{line}"\n')
                text.write(line + "\n")
    manifest = {
        "name": "made",
        "sources": [{"title": "made"}],
        "resources": [],
        "datalib": {"personalData": {"present": "personal"}},
    }
    (folder / "datapackage.json").write_text(json.dumps(manifest), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())
