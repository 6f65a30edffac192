"""Run every ``console`` block of the documentation and compare, or rewrite, what the commands print.

    python -m tests.docs            compare; exit 1 where a page and the program differ
    python -m tests.docs --write    put the real output into the pages

The commands of one page run in order, in one shell, in an empty folder. Digests, ports, times of day and temporary
names differ from run to run; they are levelled before comparing.
"""

import difflib
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests import rule_tables

ROOT = Path(__file__).parent.parent
PATIENCE = 150.0  # seconds
MARK = "\x1e--datalib-docs--"
FENCE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARYING = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"\b[0-9a-f]{8,16}…"), "<digest>…"),
    (re.compile(r"(127\.0\.0\.\d):\d+"), r"\1:<port>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"/tmp/\S+"), "<tmp>"),  # noqa: S108 - a pattern, not a file
    (re.compile(r"\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}"), "+<vkey>"),
    (re.compile(r"[A-Za-z0-9+/]{43}="), "<key>"),
    (re.compile(r"[A-Za-z0-9+/]{20,}…"), "<key>…"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of a page and what the page says it prints."""

    command: str
    printed: str


def pages() -> list[Path]:
    """Name the pages that show commands."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def steps(block: str) -> Iterator[Step]:
    """Split a block into commands (``$ ``, continued after a backslash) and their output."""
    command, printed = "", list[str]()
    for line in block.splitlines(keepends=True):
        if command and not printed and line.startswith((">\n", "> ")):
            command += line[2:] or "\n"
        elif line.startswith("$ "):
            if command:
                yield Step(command=command, printed="".join(printed))
            command, printed = line[2:], []
        else:
            printed.append(line)
    if command:
        yield Step(command=command, printed="".join(printed))


def level(text: str) -> str:
    """Replace what differs from run to run."""
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return text


def run(commands: list[str], folder: Path) -> list[str]:
    """Run the commands in one shell; give what each printed on both streams, in order."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "COLUMNS": "100",
        "SOURCE_DATE_EPOCH": "1798761600",
        "DATALIB_KEY_PASSWORD": "steppe",
        "REPO": str(ROOT),
        **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE")},
    }
    script, printed = folder / ".script", folder / ".printed"
    lines = (f"{command.rstrip()}\nprintf '%s\\n' '{MARK}'\n" for command in commands)
    script.write_text("".join(lines), encoding="utf-8")
    with printed.open("ab") as out:  # a file: what a command left running could hold a pipe open
        subprocess.run(
            ["/bin/bash", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
    return printed.read_bytes().decode("utf-8", "replace").split(MARK + "\n")[: len(commands)]


def renew(page: Path) -> str:
    """Give the page's text with the real output of its commands and the tables of rules."""
    text = rule_tables.renew(page.read_text(encoding="utf-8"))
    blocks = [list(steps(match.group(1))) for match in FENCE.finditer(text)]
    commands = [step.command for block in blocks for step in block]
    with tempfile.TemporaryDirectory(prefix="datalib-docs-") as folder:
        printed = iter(run(commands, Path(folder)))
    fresh = []
    for block in blocks:
        lines = ""
        for step in block:
            shown = "$ " + step.command.rstrip("\n").replace("\n", "\n> ").replace("\n> \n", "\n>\n") + "\n"
            real = next(printed, "(no output)\n")
            lines += shown + (step.printed if level(real) == level(step.printed) else real)
        fresh.append(f"```console\n{lines}```")
    rest = iter(fresh)
    return FENCE.sub(lambda _: next(rest), text)


def difference(page: Path) -> str:
    """Say how the page and the program differ; empty when they agree."""
    old, new = page.read_text(encoding="utf-8"), renew(page)
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), str(page), "the program"))


def main(arguments: list[str]) -> int:
    """Compare or rewrite all pages."""
    failed = False
    for page in pages():
        if "--write" in arguments:
            page.write_text(renew(page), encoding="utf-8")
        elif found := difference(page):
            failed = True
            sys.stdout.write(found)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
