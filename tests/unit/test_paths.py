"""Path rules: every vector, and the code of each rule."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from datalib.errors import Refused
from datalib.library.collisions import Collisions
from datalib.library.paths import (
    FORBIDDEN_CATEGORIES,
    check_path,
    fault,
    fold,
    from_bytes,
    readable,
    take_block,
    to_bytes,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "paths"


def load(kind: str) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_bytes()) for path in sorted((VECTORS / kind).glob("*.json"))}


ACCEPT, REJECT = load("accept"), load("reject")


def collide(paths: list[str]) -> str | None:
    found = Collisions()
    try:
        for path in paths:
            found.add(path)
        found.settle(lambda: paths)
    except Refused as error:
        return error.code
    return None


@pytest.mark.parametrize("name", [name for name, vector in ACCEPT.items() if "path" in vector])
def test_accepted_path(name: str) -> None:
    path = ACCEPT[name]["path"]
    assert to_bytes(path).hex() == ACCEPT[name]["hex"]
    check_path(path)
    assert take_block([b"a", to_bytes(path), b"b"]) in (None, (["a", path, "b"], ["a", fold(path), "b"]))


@pytest.mark.parametrize("name", [name for name, vector in REJECT.items() if "path" in vector])
def test_rejected_path(name: str) -> None:
    vector = REJECT[name]
    path = from_bytes(bytes.fromhex(vector["hex"]))
    assert path == vector["path"]
    with pytest.raises(Refused) as caught:
        check_path(path)
    assert caught.value.code == vector["code"]
    caught.value.where.encode()
    if "\n" not in path:
        for block in ([path], [path, "b"], ["a", path], ["a", path, "b"]):
            assert take_block([to_bytes(each) for each in block]) is None


@pytest.mark.parametrize("name", [name for name, vector in ACCEPT.items() if "paths" in vector])
def test_accepted_together(name: str) -> None:
    assert collide(ACCEPT[name]["paths"]) is None


@pytest.mark.parametrize("name", [name for name, vector in REJECT.items() if "paths" in vector])
def test_rejected_together(name: str) -> None:
    paths = REJECT[name]["paths"]
    assert all(fault(path) is None for path in paths)
    assert collide(paths) == REJECT[name]["code"]


def test_every_code_of_the_rules_has_a_vector() -> None:
    codes = {vector["code"] for vector in REJECT.values()}
    assert codes == {
        f"E-PATH-{rule}"
        for rule in ("LENGTH", "NFC", "CHAR", "ABSOLUTE", "TRAVERSAL", "PORTABLE", "RESERVED", "COLLISION")
    }


def test_a_surrogate_that_stands_for_no_byte_is_refused_and_printable() -> None:
    assert fault("a\ud800") == "E-PATH-NFC"
    assert readable("a\ud800") == r"a\xed\xa0\x80"


@pytest.mark.parametrize("path", ["дерек/мәтін.txt", "a b", "STRASSE/ﬁ", "Ω/Å"])
def test_folding_is_what_the_specification_says(path: str) -> None:
    assert fold(path) == unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())


def test_no_character_joins_a_slash() -> None:
    # Rules are asked of whole paths and of many paths in one text; this is why that is the same as segment by segment.
    text = "".join(
        f"/{chr(number)}" for number in (*range(0xD800), *range(0xE000, 0x110000)) if chr(number) not in "/\n"
    )
    for form in ("NFC", "NFKC"):
        joined = unicodedata.normalize(form, text)
        assert joined == "/".join(unicodedata.normalize(form, part) for part in text.split("/"))
        assert "\n" not in joined
        assert "\n" not in joined.casefold()


def test_printable_means_allowed_but_for_spaces() -> None:
    # The fast test of P2 is a method of the interpreter; its categories must be those of the rule.
    characters = [chr(number) for number in range(0x110000)]
    allowed = {char for char in characters if unicodedata.category(char) not in FORBIDDEN_CATEGORIES}
    printable = {char for char in characters if char.isprintable()}
    assert printable < allowed
    assert {unicodedata.category(char) for char in allowed - printable} == {"Zs"}
