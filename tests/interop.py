"""A library with a whole life, to be put into foreign formats."""

import json
from pathlib import Path

from datalib_cli.app import run

PRODUCER, BUYER, AUDITOR = "kz-bin:990140000384", "orcid:0000000218250097", "x-test:auditor"
MEMBERS = {
    "title": "Speech",
    "description": 'Words, read "aloud" \\ by people.',
    "version": "1.0.0",
    "homepage": "https://steppe.example/data",
    "keywords": ["speech", "kk"],
    "licenses": [{"name": "CC-BY-4.0"}, {"title": "House rules", "name": "House-1.0"}],
    "contributors": [{"title": "Desk", "roles": ["contact"], "email": "desk@steppe.example"}, {"title": "Silent"}],
    "citation": "@misc{speech}",
    "datalib": {
        "languages": ["kk", "mul-Cyrl"],
        "title": {"en": "Speech of the steppe", "kk": "Дала сөзі"},
        "sector": "education",
        "access": {"regime": "open", "url": "https://steppe.example/get"},
        "rights": {"containsWorks": True, "redistribution": "yes"},
        "synthetic": {"share": 0.25},
        "personalData": {"present": "none"},
        "quality": {"measured": "2026-01-01"},
    },
}
SOURCES = [
    {
        "title": "Own | recordings",
        "path": "https://steppe.example/a b",
        "method": "own",
        "basis": "own",
        "license": "CC-BY-4.0",
        "collected": {"from": "2026-01-01", "to": "2026-02-01"},
        "targeted": False,
        "origin": "studio",
        "crawler": {"name": "none"},
    },
    {"title": "Shelf", "path": "shelf 4"},
]
TRUST = tuple(
    part
    for party, label in ((PRODUCER, "producer"), (BUYER, "buyer"), (AUDITOR, "auditor"))
    for part in ("--key", f"{party}={label}.pub.pem")
)


def do(folder: Path, *arguments: str) -> None:
    """Run the program; files are named relative to a folder."""
    given = [str(argument).replace("@", f"{folder}/") for argument in arguments]
    assert run(given) == 0, given


def trust(folder: Path) -> list[str]:
    """Give the options that believe in the three keys."""
    return [part.replace("=", f"={folder}/") if "=" in part else part for part in TRUST]


def describe(folder: Path) -> Path:
    """Make a described, unsigned library and three keys in a folder."""
    library = folder / "library"
    (library / "audio").mkdir(parents=True)
    (library / "words.csv").write_text("word,count\nдала,2\nкүн,3\n", encoding="utf-8")
    (library / "audio" / "a b%.txt").write_text("hi\n", encoding="utf-8")
    (library / "part-1.jsonl").write_text('{"a": 1}\n', encoding="utf-8")
    (library / "part-2.jsonl").write_text('{"a": 2}\n', encoding="utf-8")
    (folder / "members.json").write_text(json.dumps(MEMBERS | {"sources": SOURCES}), encoding="utf-8")
    do(
        folder,
        *("init", "@library", "--producer-id", PRODUCER, "--producer-name", "en=Steppe", "--from", "@members.json"),
        *("--purpose", "train:asr", "--purpose", "train:house", "--now", "2026-03-01T00:00:00Z"),
    )
    for label in ("producer", "buyer", "auditor"):
        do(folder, "key", "new", "-o", f"@{label}.pem", "--no-password")
    return library


def live(folder: Path) -> Path:
    """Make a library that was signed, sold, changed and examined."""
    library = describe(folder)
    do(folder, "sign", "@library", "--key", "@producer.pem", "--now", "2026-03-01T00:00:00Z")
    do(
        folder,
        *("transfer", "offer", "@library", "--to", BUYER, "--to-name", "en=Buyer", "--basis", "contract 1"),
        *("--key", "@producer.pem", "-o", "@offer.json", "--now", "2026-03-02T00:00:00Z"),
    )
    do(
        folder,
        *("transfer", "accept", "@library", "--offer", "@offer.json", "--key", "@buyer.pem", *trust(folder)),
        *("--now", "2026-03-02T00:00:00Z"),
    )
    (library / "more.txt").write_text("more\n", encoding="utf-8")
    do(
        folder,
        *("sign", "@library", "--key", "@buyer.pem", "--reason", "addition", "--now", "2026-03-03T00:00:00Z"),
    )
    (folder / "note.txt").write_text("seen\n", encoding="utf-8")
    do(
        folder,
        *("attest", "@library", "--as", AUDITOR, "--name", "en=Auditor", "--claim", "quality", "--result", "pass"),
        *("--evidence", "@note.txt", "--until", "2027-01-01T00:00:00Z", "--key", "@auditor.pem"),
        *("--now", "2026-03-04T00:00:00Z"),
    )
    return library
