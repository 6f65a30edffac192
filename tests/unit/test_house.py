"""The house rules that a machine can see: sizes of modules and functions, and silence that gives its reason."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SOURCES = sorted(path for name in ("datalib", "cli", "manifests", "vocab") for path in (ROOT / name).rglob("*.py"))
SCRIPTS = sorted((ROOT / "datalib/publish/assets").rglob("*.js"))
MODULE, FUNCTION, LINE = 400, 50, 120
#: A line on which a function of a script begins: a named one, or a method.
BEGINS = re.compile(r"( *)(?:const \w+ = .*=> \{|function\*? .*\{|(?:async |static |get )?#?\w+\(.*\) \{)$")
CODES = "[A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*"
SILENCED = re.compile(rf"#\s*(?:noqa(?:: ?{CODES})?|type: ignore(?:\[[a-z, -]+\])?|pragma: no cover)")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= MODULE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.body[0].lineno + 1 <= FUNCTION, node.name


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_and_their_functions_stay_short_and_say_what_they_mean(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MODULE
    assert max(map(len, lines)) <= LINE
    for number, line in enumerate(lines):
        if begin := BEGINS.match(line):
            length = next(n for n, later in enumerate(lines[number:]) if later.startswith(f"{begin[1]}}}"))
            assert length <= FUNCTION, line
        if re.match(r"(?:const \w+ = (?:async )?\(.*\) =>|function|class )", line):
            assert lines[number - 1].endswith("*/"), line


def test_one_module_uses_the_network_of_pyarrow() -> None:
    network = re.compile(r"pyarrow(\.fs| import .*\bfs\b)")
    assert {path.name for path in SOURCES if network.search(path.read_text(encoding="utf-8"))} == {"objects.py"}


def test_what_is_silenced_gives_its_reason_beside_it() -> None:
    paths = [*SOURCES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    bare = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (found := SILENCED.search(line))
        and "SILENCED" not in line
        and len(line[found.end() :].strip(" -#")) < len("a reason")
    ]
    assert not bare
