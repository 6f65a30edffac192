"""The parts of the page's script against the program's own, on the same generated values, many in one evaluation."""

import base64
import hashlib
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datalib import merkle
from datalib.canonical import canonical, parse
from datalib.errors import Refused
from datalib.formats import decode_base64, parse_time
from datalib.library.collisions import Collisions
from datalib.library.paths import fault, fold
from datalib.trust import logpolicy
from datalib.trust.parties import check_party_id
from tests.checker import Checker, checking_browser
from tests.libraries import LOG_POLICY
from tests.property.test_mutations import MUTATE, SOAK
from tests.property.test_paths_prop import CLOSE, PATHS

pytestmark = pytest.mark.system

#: Each example is a list, asked in one evaluation.
FEW = settings(max_examples=2000 if SOAK else 150, deadline=None)

Answer = tuple[str | None, Any]


def many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=60)


@pytest.fixture(scope="module")
def checker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checker]:
    with checking_browser(tmp_path_factory.mktemp("parts")) as found:
        yield found


def ours(function: Callable[[Any], Any], value: Any) -> Answer:
    try:
        return None, function(value)
    except Refused as error:
        return error.code, None


def compare(checker: Checker, script: str, values: Sequence[Any], function: Callable[[Any], Any]) -> None:
    """Hold what the script answers for each value against what the function does."""
    theirs = [tuple(answer) for answer in checker.each(script, values)]
    for value, one, other in zip(values, theirs, [ours(function, value) for value in values], strict=True):
        assert one == other, repr(value)


# --- bytes


@FEW
@given(many(st.lists(st.binary(max_size=200), max_size=4)))
def test_sha256_however_the_bytes_come(checker: Checker, values: list[list[bytes]]) -> None:
    pieces = [[piece.hex() for piece in value] for value in values]
    script = """(value) => {
        const one = new Sha256();
        for (const piece of value) one.update(fromHex(piece));
        return toHex(one.digest());
    }"""
    compare(checker, script, pieces, lambda value: hashlib.sha256(bytes.fromhex("".join(value))).hexdigest())


def test_sha256_of_every_length_around_blocks(checker: Checker) -> None:
    script = "(size) => sha256Hex(new Uint8Array(size).fill(97))"
    sizes = [*range(200), 1 << 20, (1 << 20) + 55]
    compare(checker, script, sizes, lambda size: hashlib.sha256(b"a" * size).hexdigest())


@pytest.mark.skipif(not SOAK, reason="more than 2^32 bits: takes seconds")
def test_sha256_of_more_than_512_mib(checker: Checker) -> None:
    script = """(count) => {
        const one = new Sha256(), mib = new Uint8Array(1 << 20);
        for (let n = 0; n < count; n += 1) one.update(mib);
        return toHex(one.digest());
    }"""
    compare(checker, script, [513], lambda size: hashlib.sha256(bytes(size << 20)).hexdigest())


BASE64 = st.one_of(
    st.binary(max_size=40).map(lambda data: base64.b64encode(data).decode()),
    st.text("AQgw+/=-_ \n", max_size=9),
    st.tuples(st.binary(min_size=1, max_size=5), st.sampled_from("AQBRw=")).map(
        lambda pair: base64.b64encode(pair[0]).decode()[:-3] + pair[1] * 3
    ),
)


@FEW
@given(many(BASE64))
def test_base64(checker: Checker, values: list[str]) -> None:
    compare(
        checker, '(text) => toHex(decodeBase64(text, "E-X"))', values, lambda text: decode_base64(text, "E-X").hex()
    )


@FEW
@given(many(st.lists(st.binary(max_size=6).map(bytes.hex), max_size=40)))
def test_merkle_roots(checker: Checker, values: list[list[str]]) -> None:
    script = "(leaves) => toHex(merkleRoot(leaves.map(fromHex)))"
    compare(checker, script, values, lambda leaves: merkle.root(map(bytes.fromhex, leaves)).hex())


def test_merkle_paths(checker: Checker) -> None:
    lots, values = random.Random(6), list[tuple[str, int, int, list[str]]]()
    for size in range(1, 40):
        hashes = [merkle.leaf_hash(b"%d" % number) for number in range(size)]
        index = lots.randrange(size)
        path = [item.hex() for item in merkle.inclusion_path(hashes, index)]
        odd = [*path, path[0]] if path else ["00" * 32]
        values += [
            (hashes[index].hex(), at, of, used)
            for at, of, used in (
                (index, size, path),
                (index, size, odd),
                (index, size, path[1:]),
                (index + 1, size, path),
                (index, size + 1, path),
                (index, 2**53 - 1, path),
                (2**52, 2**53 - 1, path),
            )
        ]
    script = """([leaf, index, size, path]) => {
        const root = rootFromPath(fromHex(leaf), index, size, path.map(fromHex));
        return root && toHex(root);
    }"""

    def root(value: tuple[str, int, int, list[str]]) -> str | None:
        leaf, index, size, path = value
        found = merkle.root_from_path(bytes.fromhex(leaf), index, size, [bytes.fromhex(item) for item in path])
        return found.hex() if found else None

    compare(checker, script, values, root)


# --- JSON


NUMBERS = st.one_of(
    st.integers(-(2**60), 2**60).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.sampled_from(
        [
            "-0",
            "-0.0",
            "1e400",
            "-1e400",
            "1.",
            "01",
            "+1",
            ".5",
            "1e",
            "1E5",
            "1.0e2",
            "9007199254740992",
            "9007199254740991",
            "-9007199254740991.0",
            "9007199254740992.0",
            "1e21",
            "1e-7",
            "5e-324",
            "NaN",
            "-Infinity",
            "Infinity",
            "-",
            "0x10",
            "1" * 5000,
            "12345678901234567890.5",
        ]
    ),
)
TEXTS = st.one_of(
    st.text(max_size=6).map(json.dumps),
    st.text(max_size=6).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(
        [
            '"\\ud800"',
            '"\\udc00\\ud800"',
            '"\\ud83d\\ude00"',
            '"\\x"',
            '"\\u12g4"',
            '"\\u0041"',
            '"a\tb"',
            '"\\/"',
            '"',
            '"\\',
            '"\\u00',
            "'a'",
            '"\\uD83D\\uDE00"',
            '"\x7f"',
            '"\\b\\f"',
        ]
    ),
)
BLANKS = st.sampled_from(["", "", "", " ", "\n\t ", "\r", "\u00a0", "\ufeff", "//"])
NAMES = st.sampled_from(['"a"', '"b"', '"\\u0061"', '"__proto__"', '"constructor"', '"\ufb33"', '"\U0001f600"', '"1"'])
JSON_TEXTS = st.recursive(
    st.one_of(NUMBERS, TEXTS, st.sampled_from(["null", "true", "false", "nul", "True", ""])),
    lambda inner: st.one_of(
        st.lists(st.tuples(BLANKS, inner).map("".join), max_size=3).map(lambda items: f"[{','.join(items)}]"),
        st.lists(st.tuples(NAMES, BLANKS, st.just(":"), BLANKS, inner).map("".join), max_size=3).map(
            lambda items: f"{{{','.join(items)}}}"
        ),
    ),
    max_leaves=6,
)
DOCUMENTS = st.one_of(
    st.tuples(BLANKS, st.just('{"m":'), JSON_TEXTS, st.just("}"), BLANKS).map("".join),
    st.tuples(JSON_TEXTS, BLANKS).map("".join),
    st.integers(28, 36).map(lambda depth: '{"a":' * depth + "1" + "}" * depth),
)


def strict(text: str) -> str:
    value = parse(bytes.fromhex(text), limit=1 << 20)
    return canonical(value).decode()


@FEW
@given(many(DOCUMENTS))
def test_strict_json_and_its_canonical_form(checker: Checker, values: list[str]) -> None:
    encoded = [value.encode("utf-8", "surrogatepass").hex() for value in values]
    compare(checker, "(hex) => canonical(parseJson(fromHex(hex), 1 << 20))", encoded, strict)


def test_json_of_damaged_bytes(checker: Checker) -> None:
    lots = random.Random(7)
    good = '{"a":[1,2.5,"\\u0416қ😀"],"b":{"c":null,"d":true},"é":"x"}'.encode()
    damaged = [MUTATE[lots.choice([*MUTATE])](lots, good).hex() for _ in range(4000 if SOAK else 600)]
    damaged += [
        b"\xef\xbb\xbf{}".hex(),
        b'{"a":"\xc0\x80"}'.hex(),
        b'{"a":"\xed\xa0\x80"}'.hex(),
        (b"[" * 100_000).hex(),
    ]
    compare(checker, "(hex) => canonical(parseJson(fromHex(hex), 1 << 20))", damaged, strict)


# --- small texts


TIMES = st.one_of(
    st.tuples(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.integers(0, 24), st.integers(0, 60)).map(
        lambda t: f"{t[0]:04}-{t[1]:02}-{t[2]:02}T{t[3]:02}:{t[4]:02}:00Z"
    ),
    st.datetimes().map(lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)),
    st.sampled_from(
        [
            "2024-02-29T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-09-23T14:13:20Z\n",
            "２026-09-23T14:13:20Z",
            "2026-09-23t14:13:20z",
            "2026-09-23T14:13:20+00:00",
            "",
        ]
    ),
)


@FEW
@given(many(TIMES))
def test_times(checker: Checker, values: list[str]) -> None:
    compare(checker, "(text) => parseTime(text)", values, parse_time)


PARTIES = st.one_of(
    st.tuples(st.sampled_from(["kz-bin", "kz-iin"]), st.text("0123456789", min_size=12, max_size=12)).map(":".join),
    st.tuples(st.sampled_from(["orcid", "isni"]), st.text("0123456789X", min_size=16, max_size=16)).map(":".join),
    st.tuples(st.just("ror"), st.text("0123456789abcxyz", min_size=9, max_size=9)).map(":".join),
    st.tuples(st.just("lei"), st.text("0123456789ABYZ", min_size=20, max_size=20)).map(":".join),
    st.tuples(st.just("x-ab"), st.text("Az09._- /", max_size=4)).map(":".join),
    st.sampled_from(
        [
            "",
            ":",
            "kz-bin",
            "kz-bin:990140000384",
            "orcid:0000000218250097",
            "isni:000000012150090X",
            "constructor:1",
            "ror:02mhbdp94",
            "lei:529900T8BM49AURSDO55",
            "x-a:b\n",
            "toString:",
            "vat:1",
        ]
    ),
)


@FEW
@given(many(PARTIES))
def test_party_ids(checker: Checker, values: list[str]) -> None:
    compare(checker, "(text) => checkParty(text)", values, check_party_id)


POLICY_LINES = LOG_POLICY.splitlines()
LOG_POLICIES = st.lists(
    st.one_of(
        st.sampled_from(POLICY_LINES),
        st.tuples(
            st.sampled_from(POLICY_LINES), st.sampled_from(["", " ", "\t x", " https://x", "\x0b", "\u00a0", "\r", "#"])
        ).map("".join),
        st.sampled_from(
            [
                "# note",
                "",
                " \t",
                "quorum none",
                "quorum W1",
                "group any any W1",
                "group G 4 W1 W2 W3",
                "group G all W1",
                "group G 01 W1",
                "group none any W1",
                "log x",
                "witness W9",
                "quorum G",
                "group toString any W1",
                "group H constructor W1",
            ]
        ),
    ),
    max_size=9,
).map("\n".join)


@FEW
@given(many(LOG_POLICIES))
def test_log_policies(checker: Checker, values: list[str]) -> None:
    def read(text: str) -> list[Any]:
        policy = logpolicy.parse(text)
        groups = [[name, group.threshold, list(group.members)] for name, group in policy.groups.items()]
        return [len(policy.logs), list(policy.witnesses), groups, policy.quorum]

    script = """(text) => {
        const p = parseLogPolicy(text, "");
        const groups = [...p.groups].map(([name, group]) => [name, group.threshold, group.members]);
        return [p.logs.length, [...p.witnesses.keys()], groups, p.quorum];
    }"""
    compare(checker, script, values, read)


# --- names of files


@FEW
@given(many(PATHS))
def test_rules_for_paths(checker: Checker, values: list[str]) -> None:
    compare(checker, "(path) => pathFault(path)", values, fault)


@FEW
@given(many(CLOSE))
def test_names_that_are_too_alike(checker: Checker, values: list[list[str]]) -> None:
    ordered = [sorted(value, key=str.encode) for value in values]

    def add(paths: list[str]) -> None:
        alike = Collisions()
        for path in paths:
            alike.add(path)
        alike.settle(lambda: paths)

    script = "(paths) => { const alike = new Collisions(); for (const path of paths) alike.add(path); return null; }"
    compare(checker, script, ordered, add)


def test_every_character_folds_and_is_judged_alike(checker: Checker) -> None:
    """Characters that the program does not know are refused, however new the browser's Unicode is."""
    every = range(0, sys.maxunicode + 1, 0x1000)
    starts = every if SOAK else [start for start in every if start < 0x20000 or start % 0xE000 == 0]
    script = """(start) => {
        let folded = "", allowed = 0;
        for (let code = start; code < start + 0x1000; code += 1) {
            const char = String.fromCodePoint(code), judged = pathFault("a" + char + "a");
            if (judged !== null) continue;
            allowed += 1;
            folded += foldPath(char);
        }
        return [allowed, sha256Hex(utf8(folded))];
    }"""

    def fold_all(start: int) -> list[Any]:
        allowed = [char for char in map(chr, range(start, start + 0x1000)) if fault(f"a{char}a") is None]
        return [len(allowed), hashlib.sha256("".join(map(fold, allowed)).encode()).hexdigest()]

    compare(checker, script, [*starts], fold_all)
