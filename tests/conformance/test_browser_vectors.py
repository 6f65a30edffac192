"""Vectors of other projects: the page takes for a signature, a key or JSON what the program takes for one."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from datalib.errors import Refused
from datalib.trust.keys import PublicKey
from tests.checker import Checker, checking_browser
from tests.conformance.test_third_party import vectors

pytestmark = [pytest.mark.shared, pytest.mark.system]

ED25519_PREFIX = "302a300506032b6570032100"


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    with checking_browser(tmp_path_factory.mktemp("parts")) as found:
        yield found


def judged(der: str, message: str, signature: str) -> str | None:
    """Give the code with which the program refuses a key or a signature."""
    try:
        PublicKey.from_der(bytes.fromhex(der)).verify(bytes.fromhex(signature), bytes.fromhex(message))
    except Refused as error:
        return error.code
    return None


def compare(checker: Checker, triples: Mapping[str, tuple[str, str, str]]) -> int:
    """Hold the page's judgement of signatures against the program's; give how many were good."""
    theirs = checker.browser.value(f"tests.verifyAll({json.dumps([*triples.values()])})")
    ours = [judged(*triple) for triple in triples.values()]
    assert dict(zip(triples, theirs, strict=True)) == dict(zip(triples, ours, strict=True))
    return ours.count(None)


def test_ed25519(checker: Checker) -> None:
    found = {
        f"wycheproof {vector['id']}": (ED25519_PREFIX + vector["pk"], vector["msg"], vector["sig"])
        for vector in vectors("wycheproof-ed25519", 151)
    }
    found |= {
        f"cctv {vector['id']}": (ED25519_PREFIX + vector["pk"], vector["msg"].encode().hex(), vector["sig"])
        for vector in vectors("cctv-ed25519", 914)
    }
    assert compare(checker, found) >= 88


def test_p256(checker: Checker) -> None:
    found = {
        str(vector["id"]): (vector["spki"], vector["msg"], vector["sig"])
        for vector in vectors("wycheproof-ecdsa-p256-sha256", 484)
    }
    assert compare(checker, found) == sum(
        vector["expect_low_s"] == "valid" for vector in vectors("wycheproof-ecdsa-p256-sha256", 484)
    )


def test_weak_keys(checker: Checker) -> None:
    found = {
        str(vector["pk"]): (ED25519_PREFIX + vector["pk"], "", "00") for vector in vectors("weak-ed25519-keys", 14)
    }
    assert compare(checker, found) == 0


def test_json_parsing(checker: Checker) -> None:
    found = vectors("json-parsing", 318)

    def data(vector: Mapping[str, Any]) -> bytes:
        text, repeat = vector["gen"] or ("", 0)
        return (text * repeat).encode() if vector["gen"] else base64.b64decode(vector["bytes"])

    answers = checker.each("(hex) => parseJson(fromHex(hex), 16 << 20) && 0", [data(vector).hex() for vector in found])
    codes = ["accept" if code in {None, "E-SCHEMA"} else code for code, _ in answers]
    assert codes == [vector["expect_strict"] for vector in found]
