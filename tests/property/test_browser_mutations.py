"""The page and the command line judge the same libraries, changed at random: same answer, same code.

A seeded few hundred in the usual run, thousands when DATALIB_SOAK is set. Nothing here shares code with the page.
"""

import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from datalib.canonical import canonical
from datalib.errors import DatalibError
from datalib.trust.policy import Roots
from datalib.verify import verify
from tests.checker import Checker, checking_browser
from tests.libraries import NOW, ROOTS, Library, draft_policy, sign_policy, sound
from tests.property.test_mutations import (
    MUTATE,
    SOAK,
    _confused_manifest,
    _confused_statement,
    changed,
    confused,
    sectoral,
)

pytestmark = pytest.mark.system

MUTATIONS, CONFUSIONS = (6_000, 2_000) if SOAK else (180, 60)
BATCH = 60
POLICY = sign_policy(draft_policy())

Question = dict[str, Any]
Answer = tuple[bool, str | None]


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    with checking_browser(tmp_path_factory.mktemp("parts")) as found:
        yield found


class Comparison:
    """Asks both sides, the page many libraries at a time."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self.asked = 0
        self.accepted = 0
        self._names = list[str]()
        self._ours = list[Answer]()
        self._questions = list[Question]()

    def add(self, name: str, folder: Path, policy: bytes = POLICY, roots: bytes | None = None) -> None:
        """Judge a library here, and keep the question for the page."""
        self._names.append(name)
        self._ours.append(judged(folder, policy))
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        *files, sealed, pinned = self.checker.put(
            [*(path.read_bytes() for path in paths), policy, roots or canonical(ROOTS.to_dict())]
        )
        named = {str(path.relative_to(folder)): file for path, file in zip(paths, files, strict=True)}
        question = {"files": named, "policy": sealed, "roots": pinned, "state": None, "asked": {"now": NOW}}
        self._questions.append(question)
        if len(self._names) == BATCH:
            self.settle()

    def settle(self) -> None:
        """Ask the page and compare."""
        theirs = [(answer["answer"] == "yes", answer["code"]) for answer in self.checker.ask(self._questions)]
        assert dict(zip(self._names, theirs, strict=True)) == dict(zip(self._names, self._ours, strict=True))
        self.asked += len(self._names)
        self.accepted += sum(accepted for accepted, _ in self._ours)
        self._names, self._ours, self._questions = [], [], []


def judged(folder: Path, policy: bytes) -> Answer:
    try:
        report = verify(folder, policy=policy, roots=ROOTS, now=NOW, threads=1)
    except DatalibError as error:
        return False, error.code
    return report.accepted, report.refusal.code if report.refusal else None


def mutations(lots: random.Random, originals: Mapping[Path, bytes]) -> tuple[str, dict[Path, bytes]]:
    """Change one file, or exchange two."""
    path, kind = lots.choice([*originals]), lots.choice([*MUTATE, "exchange"])
    if kind == "exchange":
        other = lots.choice([*originals])
        return f"{kind} {path.name} {other.name}", {path: originals[other], other: originals[path]}
    return f"{kind} {path.name}", {path: MUTATE[kind](lots, originals[path])}


def test_a_mutated_sectoral_library_gets_the_same_code(checker: Checker, tmp_path: Path) -> None:
    folder, lots, both = sectoral(tmp_path).folder, random.Random(21), Comparison(checker)
    originals = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    both.add("as it is", folder)
    for number in range(MUTATIONS):
        name, files = mutations(lots, originals)
        with changed(files):
            both.add(f"{number}: {name}", folder)
    both.settle()
    assert both.asked == MUTATIONS + 1
    assert 0 < both.accepted < MUTATIONS / 4


@pytest.mark.parametrize("confuse", [_confused_manifest, _confused_statement])
def test_a_library_of_other_types_but_well_signed_gets_the_same_code(
    checker: Checker, tmp_path: Path, confuse: Any
) -> None:
    lots, both = random.Random(confuse.__name__), Comparison(checker)
    for number in range(CONFUSIONS):
        library = Library(folder=tmp_path / str(number))
        confuse(lots, library)
        both.add(str(number), library.publish().folder)
    both.settle()


def test_a_policy_of_other_types_but_well_signed_gets_the_same_code(checker: Checker, tmp_path: Path) -> None:
    lots, both, folder = random.Random(3), Comparison(checker), sound(tmp_path / "library").folder
    for number in range(CONFUSIONS * 2):
        both.add(str(number), folder, sign_policy(confused(lots, draft_policy())))
    both.settle()


def test_a_mutated_policy_gets_the_same_code(checker: Checker, tmp_path: Path) -> None:
    lots, both, folder = random.Random(4), Comparison(checker), sound(tmp_path / "library").folder
    for number in range(CONFUSIONS):
        kind = lots.choice([*MUTATE])
        both.add(f"{number} {kind}", folder, MUTATE[kind](lots, POLICY))
    both.settle()


def test_head_proofs_of_other_types_get_the_same_code(checker: Checker, tmp_path: Path) -> None:
    lots, both = random.Random(5), Comparison(checker)
    folder = sound(tmp_path / "library").folder
    path = folder / "proofs/head.json"
    original = json.loads(path.read_bytes())
    for number in range(CONFUSIONS):
        with changed({path: canonical(confused(lots, original))}):
            both.add(str(number), folder)
    both.settle()


def test_pinned_roots_that_are_none_are_refused(checker: Checker, tmp_path: Path) -> None:
    folder = sound(tmp_path / "library").folder
    for data, code in ((b"", "E-JSON-SYNTAX"), (b"[]", "E-SCHEMA"), (b'{"keys":[],"threshold":1}', "E-SCHEMA")):
        with pytest.raises(DatalibError, match=code):
            Roots.parse(data)
        both = Comparison(checker)
        both.add(code, folder)
        question = {**both._questions[0], "roots": checker.put([data])[0]}
        [answer] = checker.ask([question])
        assert (answer["answer"], answer["code"]) == ("no", code)
