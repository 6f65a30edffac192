"""The demo's story: each step runs the real program and says what it shows.

Commands are shown and answered on stderr as they happen; the result of the demo is what it made.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from datalib.errors import Misuse
from datalib_cli.story import SCHOOL, SCHOOL_LATER, SITES, origin, served
from datalib_cli.texts import Texts

PRODUCER, AUDITOR, BUYER = "x-demo:steppe-institute", "x-demo:auditor", "x-demo:speech-lab"
STORY = "STORY.txt"  # the story as it was told; a folder that has it is an earlier demo
TABLES = ("seattle-weather.csv", "iowa-electricity.csv")
TABLES_LICENCE = "BSD-3-Clause"
PURPOSES = ("train:llm", "eval")


@dataclass(slots=True, kw_only=True)
class Story:
    """What was told: every step with its exit status, what was expected, and what was made."""

    steps: list[Mapping[str, Any]] = field(default_factory=list)
    made: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        """Exit status of the demo: 1 when a step did not end as told."""
        return int(any(step["status"] != step["expected"] for step in self.steps))

    def to_dict(self) -> dict[str, Any]:
        """Give the JSON value."""
        return {"steps": self.steps, "made": self.made}


class Narrator:
    """Runs commands in one folder and shows them."""

    def __init__(self, folder: Path, say: Texts) -> None:
        self.folder = folder
        self.say = say
        self.story = Story()
        self._log = list[str]()

    def tell(self, sentence: str) -> None:
        """Say what comes next."""
        self._show(f"\n# {self.say(sentence)}\n")

    def run(self, *arguments: str, expected: int = 0, shown: int = 99) -> str:
        """Run one command of the program; give what it printed. ``shown``: how many lines of it are told."""
        self._show("$ datalib " + " ".join(_quoted(item) for item in arguments) + "\n")
        done = subprocess.run(  # noqa: S603 - this very program, with arguments of our own
            [sys.executable, "-m", "datalib_cli.entry", *arguments, "--lang", self.say.lang],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUTF8": "1"},
        )
        lines = (done.stdout + done.stderr).splitlines()
        self._show("".join(f"  {line}\n" for line in [*lines[:shown], *(["…"] if len(lines) > shown else [])]))
        self.story.steps.append({"command": list(arguments), "status": done.returncode, "expected": expected})
        if done.returncode != expected:
            said = self.say("(exit {status}, expected {expected})", status=done.returncode, expected=expected)
            self._show(f"  {said}\n")
        return done.stdout

    def finish(self) -> Story:
        """Keep the story beside what it made."""
        (self.folder / STORY).write_text("".join(self._log), encoding="utf-8")
        return self.story

    def _show(self, text: str) -> None:
        self._log.append(text)
        sys.stderr.write(text)
        sys.stderr.flush()


def _quoted(argument: str) -> str:
    return f"'{argument}'" if any(sign in argument for sign in " ;&|<>?*") else argument


def tell(out: Path, say: Texts) -> Story:
    """Tell the story in a folder, which is made anew."""
    tables = _tables()
    if out.exists():
        shutil.rmtree(out)
    (out / "raw").mkdir(parents=True)
    (out / STORY).touch()
    narrator = Narrator(out, say)
    with served() as servers:
        origins = {address: origin(server) for address, server in servers.items()}
        _write_works(out / "raw" / "works.csv", origins)
        _collect(narrator, origins)
        _package(narrator, origins, tables)
        _hand_over(narrator)
        _refuse(narrator)
        servers[SCHOOL].robots = SCHOOL_LATER
        _follow(narrator)
    for name in ("raw/works.csv", "sites.jsonl", "scan-raw", "library", "scan-library", "keys", STORY):
        narrator.story.made.append(str(out / name))
    return narrator.finish()


def _tables() -> Path:
    found = find_spec("vega_datasets")  # its files are wanted, not its code, which imports pandas
    if found is None or not found.submodule_search_locations:
        raise Misuse("E-USAGE", "demo", "pip install 'datalib-manifest[demo]'")
    return Path(found.submodule_search_locations[0]) / "_data"


def _write_works(path: Path, origins: Mapping[str, str]) -> None:
    """Write what a crawler brought home: one row per page, with its headers and its HTML."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["url", "title", "text", "headers", "html"])
        for site in SITES:
            for page in site.pages:
                headers = json.dumps([[name, value] for name, value in page.headers.items()])
                table.writerow([origins[site.address] + page.path, page.title, page.text, headers, page.html])


def _collect(narrator: Narrator, origins: Mapping[str, str]) -> None:
    narrator.tell("Ten works from four sites. What do their sites say? Ask each for robots.txt and tdmrep.json.")
    narrator.run("optout", "fetch", "raw/works.csv", "--allow-private", "-o", "sites.jsonl")
    narrator.tell("Judge every work by every carrier: site files, stored headers, the page itself.")
    narrator.run("scan", "raw/works.csv", "--sites", "sites.jsonl", *_COLUMNS, "--admitted", "-o", "scan-raw")
    narrator.tell("Each verdict has its evidence. Why was this page refused?")
    narrator.run("optout", "explain", f"{origins['127.0.0.5']}/letter.html", "--scan", "scan-raw")


_COLUMNS = ("--header-column", "headers", "--html-column", "html")


def _package(narrator: Narrator, origins: Mapping[str, str], tables: Path) -> None:
    narrator.tell("Only admitted works go into the library, with two public tables (PyPI package vega_datasets).")
    library = narrator.folder / "library"
    library.mkdir()
    for number, path in enumerate(sorted((narrator.folder / "scan-raw" / "admitted").glob("*.parquet"))):
        shutil.copyfile(path, library / f"works-{number}.parquet")
    for name in TABLES:
        shutil.copyfile(tables / name, library / name)
    sources = [f"{site.name}={origins[site.address]}/" for site in SITES if site.name]
    narrator.run(
        "init",
        "library",
        *("--producer-id", PRODUCER, "--producer-name", "en=Steppe Institute of Speech (demo)"),
        *(item for code in PURPOSES for item in ("--purpose", code)),
        *(item for source in sources for item in ("--source", source)),
        *("--source", f"Seattle weather and Iowa electricity, vega_datasets ({TABLES_LICENCE})"),
        *("--license", TABLES_LICENCE),
    )
    (narrator.folder / "keys").mkdir()
    narrator.tell(
        "Three parties, three keys. The producer signs: files, manifest, producer, purposes become one chain."
    )
    for name in ("producer", "auditor", "buyer"):
        narrator.run("key", "new", "-o", f"keys/{name}.pem", "--no-password", shown=2)
    narrator.run("sign", "library", "--key", "keys/producer.pem")
    narrator.tell("The library itself is scanned, and an auditor signs what was found. Nobody types the result.")
    narrator.run("scan", "library", "--sites", "sites.jsonl", *_COLUMNS, "-o", "scan-library")
    _attest(narrator, "scan-library")


def _attest(narrator: Narrator, scan: str) -> None:
    narrator.run(
        *("attest", "library", "--as", AUDITOR, "--name", "en=Auditor (demo)", "--claim", "optout"),
        *("--scan", scan, "--key", "keys/auditor.pem"),
    )


_TRUST = (
    *("--key", f"{PRODUCER}=keys/producer.pub.pem"),
    *("--key", f"{AUDITOR}=keys/auditor.pub.pem"),
    *("--key", f"{BUYER}=keys/buyer.pub.pem"),
)


def _hand_over(narrator: Narrator) -> None:
    narrator.tell("The library is sold: the seller signs an offer, the buyer verifies everything, then signs too.")
    narrator.run(
        *("transfer", "offer", "library", "--to", BUYER, "--to-name", "en=Speech Lab (demo)"),
        *("--basis", "contract 12/2026", "--key", "keys/producer.pem", "-o", "offer.json"),
    )
    narrator.run("transfer", "accept", "library", "--offer", "offer.json", "--key", "keys/buyer.pem", *_TRUST)
    narrator.tell("A training job of the new owner asks: may I, for this purpose, now?")
    narrator.run("verify", "library", "--purpose", PURPOSES[0], *_TRUST)
    narrator.run("show", "library")


def _refuse(narrator: Narrator) -> None:
    narrator.tell("Refused: a purpose that the producer never declared.")
    narrator.run("verify", "library", "--purpose", "train:face-recognition", *_TRUST, expected=1, shown=2)
    _refuse_tampering(narrator)


def _follow(narrator: Narrator) -> None:
    narrator.tell(
        "Refused: an author changes their mind. The school's site now forbids one page; the next scan sees it."
    )
    narrator.run("optout", "fetch", "library", "--allow-private", "-o", "sites-later.jsonl")
    narrator.run("scan", "library", "--sites", "sites-later.jsonl", *_COLUMNS, "-o", "scan-later")
    _attest(narrator, "scan-later")
    narrator.run("verify", "library", "--purpose", PURPOSES[0], *_TRUST, expected=1, shown=2)
    narrator.tell("The owner follows: take the work out, sign the change, scan again, attest. The gate opens.")
    narrator.run("optout", "apply", "library", "--scan", "scan-later")
    narrator.run("sign", "library", "--reason", "optout", "--key", "keys/buyer.pem")
    narrator.run("scan", "library", "--sites", "sites-later.jsonl", *_COLUMNS, "-o", "scan-after")
    _attest(narrator, "scan-after")
    narrator.run("verify", "library", "--purpose", PURPOSES[0], *_TRUST, shown=2)


def _refuse_tampering(narrator: Narrator) -> None:
    narrator.tell("Refused: one byte of the data is flipped.")
    broken = narrator.folder / "flipped"
    shutil.copytree(narrator.folder / "library", broken)
    data = bytearray((broken / TABLES[0]).read_bytes())
    data[100] ^= 1
    (broken / TABLES[0]).write_bytes(data)
    narrator.run("verify", "flipped", *_TRUST, expected=1, shown=2)
    narrator.tell("Refused: the producer is cut out of the manifest.")
    stolen = narrator.folder / "stolen"
    shutil.copytree(narrator.folder / "library", stolen)
    manifest = json.loads((stolen / "datapackage.json").read_bytes())
    manifest["datalib"]["producer"] = {"id": BUYER, "name": {"en": "Speech Lab (demo)"}}
    (stolen / "datapackage.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    narrator.run("verify", "stolen", *_TRUST, expected=1, shown=2)
