"""``datalib report``: a library made of a thousand logged libraries, and one of very many files."""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.files import FULL_MANY, MANY, described
from bench.library import PARTY
from bench.row import Row, bounded
from bench.usage import Usage, measure, program
from datalib.assembly.survey import survey
from datalib.formats import format_time
from datalib.library import manifest
from datalib.publish import drawing, graph
from datalib.publish.wording import Wording
from tests.libraries import NOW, ROOTS, Library, Log, draft_policy, publish_heads, sign_policy

_LIBRARIES = 1000
_ROUNDS = 3


def run(tmp: Path, *, full: bool) -> list[Row]:
    """Report on a thousand upstream libraries, and on 200,000 files, in full a million."""
    return [*_many_libraries(tmp / "libraries"), *_many_files(tmp / "files", FULL_MANY if full else MANY)]


def _many_libraries(tmp: Path) -> Iterator[Row]:
    own = made_of(tmp, _LIBRARIES)
    note = f"{_LIBRARIES} upstream libraries of two or three logged events each"
    page = tmp / "page.html"
    trust: list[str | Path] = [
        "--policy",
        tmp / "policy.json",
        "--roots",
        tmp / "roots.json",
        "--now",
        format_time(NOW),
    ]
    used = _best(["report", own.folder, "-o", page, *trust])
    yield bounded("report, 1,000 upstreams: drawing", _drawing(own), unit="CPU s", aim="<= 5 CPU s", note=note)
    yield bounded("report, 1,000 upstreams: whole command", used.cpu, unit="CPU s", aim="<= 5 CPU s", note=note)
    yield bounded("report, 1,000 upstreams: whole command", used.wall, unit="s", aim="", note=note)
    yield bounded("report, 1,000 upstreams: page", page.stat().st_size / 1e6, unit="MB", aim="<= 2 MB", note=note)
    verified = _best(["verify", own.folder, *trust])
    yield bounded("verify, 1,000 upstreams", verified.cpu, unit="CPU s", aim="", note=note)


def _best(arguments: Sequence[str | Path]) -> Usage:
    used = [measure([program("datalib"), *arguments]) for _ in range(_ROUNDS)]
    return Usage(wall=min(u.wall for u in used), cpu=min(u.cpu for u in used), peak=min(u.peak for u in used))


def _drawing(own: Library) -> float:
    """Give the CPU seconds of layout and drawing alone, the least of several rounds."""
    parsed = manifest.parse(own.path("datapackage.json").read_bytes())
    below = survey(own.folder, parsed, own.lib)
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.process_time()
        drawing.draw(graph.lay_out(below, ()), own.name, parsed.producer, Wording(lang="en"))
        best = min(best, time.process_time() - began)
    return best


def made_of(tmp: Path, count: int) -> Library:
    """Make so many libraries in a log, one derived from all of them, and the policy that knows their signers."""
    log = Log()
    below = [_upstream(tmp / f"u{number}", log, number) for number in range(count)]
    own = Library(folder=tmp / "own", log=log, name="own", day=20)
    own.block["inputs"] = [own.input(one, mode="derived", prefix=None) for one in below]
    own.genesis().attest()
    publish_heads([own, *below], keep=[own, *below])
    for one in below:
        own.ship(one)
    (tmp / "policy.json").write_bytes(sign_policy(draft_policy()))
    (tmp / "roots.json").write_text(json.dumps(ROOTS.to_dict()))
    return own


def _upstream(folder: Path, log: Log, number: int) -> Library:
    """Make a library of its own content; every third was sold."""
    made = Library(folder=folder, log=log, name=f"corpus-{number}", files={"a.txt": b"%d\n" % number})
    made.genesis().attest()
    return made if number % 3 else made.transfer()


def _many_files(tmp: Path, count: int) -> Iterator[Row]:
    tmp.mkdir()
    datalib, key, page = program("datalib"), tmp / "key.pem", tmp / "page.html"
    measure([datalib, "key", "new", "-o", key, "--no-password"])
    described(tmp / "library", count)
    measure([datalib, "sign", tmp / "library", "--key", key])
    asked: list[str | Path] = ["--key", f"{PARTY}={key.with_suffix('.pub.pem')}", "--require", "none", "-o", page]
    used = measure([datalib, "report", tmp / "library", *asked])
    note = f"{count} files; {used.cpu:.1f} CPU s, every file read"
    yield bounded("report, many files: page", page.stat().st_size / 1e6, unit="MB", aim="<= 2 MB", note=note)
    yield bounded("report, many files: peak memory", used.peak, unit="MB", aim="<= 250 MB", note=note)
