"""Bad input gets one line with a code, the right exit status, and leaves nothing behind."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import TRUST, Program

SAID = ("--producer-id", "x-test:me", "--producer-name", "en=Me", "--purpose", "eval", "--source", "Me")
CLAIM = ("--as", "x-test:b", "--claim", "quality", "--result", "pass", "--key", "producer.pem")
OFFER = ("--to", "x-test:b", "--to-name", "en=B", "--basis", "x", "--key", "producer.pem", "-o", "o")


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("verify", "nowhere", *TRUST), 3, "E-IO"),
        (("verify", "library"), 2, "E-NO-TRUST"),
        (("verify", "library", "--key", "x-test:me=nowhere.pem"), 3, "E-IO"),
        (("verify", "library", "--key", "x-test:me=library/notes.txt"), 2, "E-KEY-ENCODING"),
        (("verify", "library", "--key", "nonsense:me=producer.pub.pem"), 2, "E-PARTY-ID"),
        (("verify", "library", "--key", "producer.pem"), 2, "E-USAGE"),
        (("verify", "library", "--policy", "producer.pem"), 2, "E-USAGE"),
        (("verify", "library", "--policy", "producer.pem", "--roots", "producer.pem"), 2, "E-JSON-SYNTAX"),
        (("verify", "library", *TRUST, "--now", "yesterday"), 2, "E-TIME-FORMAT"),
        (("verify", "library", *TRUST, "--data", "some"), 2, "E-USAGE"),
        (("verify", "library", *TRUST, "--data", "sample:0"), 2, "E-USAGE"),
        (("verify", "library", *TRUST, "--require", "none", "--require", "optout"), 2, "E-USAGE"),
        (("verify", "library", *TRUST, "--state", "producer.pem"), 3, "E-STATE-FILE"),
        (("verify", "library", *TRUST, "--state", "library/state"), 2, "E-OUT-IN-LIBRARY"),
        (("key", "new", "-o", "library/key.pem"), 2, "E-OUT-IN-LIBRARY"),
        (("policy", "new", "-o", "library/p", "--roots-out", "r", "--root", "producer.pub.pem"), 2, "E-OUT-IN-LIBRARY"),
        (("policy", "new", "-o", "p", "--roots-out", "library/r", "--root", "producer.pub.pem"), 2, "E-OUT-IN-LIBRARY"),
        (("verify",), 2, "E-USAGE"),
        (("no-such-command",), 2, "E-USAGE"),
        (("verify", "library", "--no-such-option"), 2, "E-USAGE"),
        (("show", "nowhere"), 3, "E-IO"),
        (("show", "."), 1, "E-MANIFEST-MISSING"),
        (("init", "nowhere", *SAID), 3, "E-IO"),
        (("init", "empty", *SAID), 1, "E-EMPTY"),
        (("init", "empty", "--producer-id", "x-test:me"), 2, "E-USAGE"),
        (("init", "plain", *SAID[:6]), 1, "E-SOURCE-MISSING"),
        (("init", "plain", *SAID[:4], *SAID[6:]), 1, "E-PURPOSE-MISSING"),
        (("init", "plain", "--purpose", "eval", "--source", "Me"), 1, "E-PRODUCER-MISSING"),
        (("init", "plain", *SAID, "--purpose", "social-scoring"), 1, "E-PURPOSE-FORBIDDEN"),
        (("init", "plain", *SAID, "--purpose", "Not A Code"), 1, "E-SCHEMA"),
        (("init", "plain", *SAID[2:], "--producer-id", "kz-bin:990140000385"), 1, "E-PARTY-ID"),
        (("init", "plain", *SAID, "--source", "=http://x"), 2, "E-USAGE"),
        (("init", "plain", *SAID, "--producer-name", "English=Me"), 2, "E-USAGE"),
        (("init", "plain", *SAID, "--from", "nowhere.yaml"), 3, "E-IO"),
        (("sign", "plain", "--key", "producer.pem"), 1, "E-MANIFEST-MISSING"),
        (("sign", "library", "--key", "nowhere.pem"), 3, "E-IO"),
        (("sign", "library", "--key", "producer.pub.pem"), 1, "(a public key) → Give the file of the private key"),
        (("sign", "library"), 2, "E-USAGE"),
        (("sign", "library", "--key", "producer.pem", "--reason", "whim"), 2, "E-USAGE"),
        (("transfer", "offer", "library", *OFFER), 1, "E-NOT-SIGNED"),
        (("transfer", "offer", "library", *OFFER, "--rights", "ownership,use"), 2, "E-USAGE"),
        (("attest", "library", *CLAIM, "--until", "2020-01-01T00:00:00Z"), 2, "--until"),
        (("cosign", "producer.pem", "--key", "buyer.pem"), 1, "E-JSON-SYNTAX"),
        (("attest", "library", "--as", "x-test:b", "--claim", "quality", "--key", "producer.pem"), 2, "E-USAGE"),
        (("withdraw", "library", "--reason", "x", "--key", "producer.pem"), 1, "E-NOT-SIGNED"),
        (("scan", "nowhere.csv", "-o", "out"), 3, "E-IO"),
        (("scan", "plain", "-o", "library/out"), 2, "E-OUT-IN-LIBRARY"),
        (("scan", "words.csv", "-o", "out", "--url-column", "nowhere"), 2, "E-USAGE"),
        (("scan", "words.csv", "-o", "out", "--sites", "producer.pem"), 1, "E-SITES-FORMAT"),
        (("scan", "words.csv", "-o", "out", "--require-carrier", "telepathy"), 2, "E-USAGE"),
        (("scan", "words.csv", "-o", "out", "--sites-max-age", "-1"), 2, "E-USAGE"),
        (("optout", "fetch", "nowhere.csv", "-o", "sites.jsonl"), 3, "E-IO"),
        (("optout", "fetch", "words.csv", "-o", "library/sites.jsonl"), 2, "E-OUT-IN-LIBRARY"),
        (("optout", "fetch", "words.csv", "-o", "sites.jsonl", "--timeout", "0"), 2, "E-USAGE"),
        (("optout", "agents", "--file", "producer.pem"), 1, "E-AGENTS-FORMAT"),
        (("key", "import", "producer.pem", "-o", "new.pem", "--no-password"), 2, "E-P12-OPEN"),
        (("key", "new", "-o", "new.pem"), 2, "E-KEY-PASSWORD"),
        (("key", "new", "-o", "nowhere/new.pem", "--no-password"), 3, "E-IO"),
        (("key", "new", "-o", "library/new.pem", "--no-password"), 2, "E-OUT-IN-LIBRARY"),
        (("policy", "new", "--root", "producer.pub.pem", "-o", "library/p", "--roots-out", "r"), 2, "E-OUT-IN-LIBRARY"),
        (("policy", "show", "producer.pem"), 1, "E-JSON-SYNTAX"),
        (("scan", "plain", "-o", ""), 2, "--out: "),
        (("scan", "", "-o", "out"), 2, "WORKS: "),
        (("scan", "plain", "-o", "out", "--sites", ""), 2, "--sites: "),
        (("key", "new", "-o", "", "--no-password"), 2, "--out: "),
        (("scan", "https://e.example/a.csv", "-o", "out"), 2, "E-USAGE: https://e.example/a.csv: "),
        (("scan", "gs://bucket/a.csv", "-o", "out"), 2, "E-USAGE: gs://bucket/a.csv: "),
        (("scan", "https://me:secret@e.example/", "-o", "out"), 2, "E-USAGE: https://: "),
        (("optout", "fetch", "http://e.example/", "-o", "sites.jsonl"), 2, "E-USAGE: http://e.example/: "),
        (("optout", "fetch", "s3://bucket/a.csv", "-o", "sites.jsonl"), 2, "E-STORE-READ-ONLY: s3://bucket/a.csv: "),
        (("demo", "-o", "plain"), 2, "E-USAGE"),
        (("demo", "-o", "library/demo"), 2, "E-OUT-IN-LIBRARY"),
    ],
)  # fmt: skip
def test_one_line_a_code_and_a_status(
    datalib: Program, library: Path, tmp_path: Path, arguments: tuple[str, ...], status: int, code: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "plain").mkdir()
    (tmp_path / "plain" / "a.txt").write_text("a\n")
    (tmp_path / "words.csv").write_text("url\nhttps://e.example/a\n")
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    done = datalib(*arguments)
    assert (done.status, code in done.err) == (status, True), done.err
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err
    after = sorted(str(path) for path in tmp_path.rglob("*") if "out" not in path.parts[len(tmp_path.parts) :][0])
    assert after == before


def test_an_error_in_json_is_one_object_and_one_line(datalib: Program) -> None:
    done = datalib("verify", "nowhere", *TRUST[:0], "--format", "json")
    assert done.data["code"] == "E-NO-TRUST"
    assert done.data["accepted"] is False
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(("lang", "word"), [("ru", "Укажите"), ("kk", "беріңіз"), ("en", "Give")])
def test_errors_speak_the_language_asked_for(datalib: Program, library: Path, lang: str, word: str) -> None:
    assert word in datalib("verify", "library", "--lang", lang).err


def test_a_reader_that_leaves_early_is_no_error(library: Path) -> None:
    command = f"{sys.executable} -m datalib_cli.entry show {library} | true"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, check=False)
    assert done.stderr == b""


def test_nothing_that_others_wrote_steers_the_terminal(datalib: Program, library: Path, tmp_path: Path) -> None:
    (library / "a\x1b[2J\nb").write_text("a")
    listed = datalib("init", "library", *SAID)
    assert (listed.status, r"a\x1b[2J\nb" in listed.out, "\x1b" in listed.out) == (1, True, False)
    (tmp_path / "works.csv").write_text("url\nhttps://e.example/a\n")
    body = r"User-agent: GPTBot\nDisallow: / # \u001b[2J\u202e"
    (tmp_path / "sites.jsonl").write_text(f'{{"origin": "https://e.example", "status": 200, "body": "{body}"}}\n')
    datalib("scan", "works.csv", "--sites", "sites.jsonl", "-o", "out")
    shown = datalib("optout", "explain", "works.csv#0", "--scan", "out")
    assert "Disallow: / # " in shown.out
    assert not {"\x1b", "\u202e"} & set(shown.out)
    (library / "a\x1b[2J\nb").unlink()
    (tmp_path / "more.json").write_text(json.dumps({"more\x1b[3J": 1}))
    assert datalib("init", "library", *SAID, "--from", "more.json").status == 0
    lost = datalib("export", "library", "--to", "dcat").err
    assert r"more\x1b[3J: a member without a term" in lost
    assert "\x1b" not in lost
    assert "\x1b" not in datalib("show", "nowhere\x1b[2J").err
