"""Signed notes, log policies, checkpoints, proofs, in their forms and with their signatures."""

import re
from collections.abc import Callable

import pytest

from datalib import merkle
from datalib.canonical import canonical
from datalib.errors import Refused
from datalib.formats import encode_base64
from datalib.trust import logpolicy, tlog
from datalib.trust.logpolicy import LogPolicy
from datalib.trust.notes import MAX_SIGNATURES, KeyType, Note, NoteKey
from datalib.trust.tlog import MAX_PROOF, Checkpoint, TlogProof
from tests.libraries import LOG_POLICY, ORIGIN, WITNESSES, Log, key, note, vkey

TIME = 1_790_000_000
LOG_KEY = NoteKey.from_vkey(vkey(ORIGIN, key("log"), 1), KeyType.LOG, "E-X")
TEXT = b"registry.example/datalib\n1\n%b\n" % encode_base64(bytes(32)).encode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000+AA==",
        vkey(ORIGIN, key("log"), 1).replace("+", "-", 1),
        vkey(ORIGIN, key("log"), 1)[:-4],
        vkey(ORIGIN, key("log"), 4),
        re.sub(r"\+[0-9a-f]{8}\+", "+00000000+", vkey(ORIGIN, key("log"), 1)),
        vkey(ORIGIN, key("log"), 1) + "\n",
        "a b" + vkey(ORIGIN, key("log"), 1),
        "n+6d4df7d7+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_other_keys_of_logs_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="E-X"):
        NoteKey.from_vkey(text, KeyType.LOG, "E-X", "here")


def test_a_weak_key_is_no_key_of_a_log() -> None:
    import hashlib

    data = b"\1" + bytes(32)
    name = hashlib.sha256(b"n\n" + data).digest()[:4].hex()
    with pytest.raises(Refused, match="low order"):
        NoteKey.from_vkey(f"n+{name}+{encode_base64(data)}", KeyType.LOG, "E-X")


def test_a_note_tells_who_signed_and_when() -> None:
    policy = logpolicy.parse(LOG_POLICY)
    signed = Note.parse(note(TEXT, TIME, list(WITNESSES)).encode(), "E-X")
    signers = signed.verify(policy.keys, "E-X")
    assert {key.name: time for key, time in signers.items()} == {ORIGIN: None, **dict.fromkeys(WITNESSES, TIME)}
    assert signed.verify([], "E-X") == {}
    assert signed.text == TEXT


GOOD = note(TEXT, TIME, ["w1.example/w"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TEXT,
        TEXT + b"\n",
        GOOD.encode()[:-1],
        GOOD.replace("\n\n", "\n").encode(),
        GOOD.replace("—", "-").encode(),
        GOOD.replace("— w1", "—  w1").encode(),
        GOOD.replace("w1.example/w ", "w1+example ").encode(),
        GOOD.replace("\n", "\r\n").encode(),
        GOOD.encode() + b"\xff",
        GOOD.replace(ORIGIN, ORIGIN + "\t").encode(),
        (TEXT.decode() + "\n— name AAAAAA==\n").encode(),
        (TEXT.decode() + "\n— name A\n").encode(),
        (TEXT.decode() + "\n" + "— name AAAAAAA=\n" * (MAX_SIGNATURES + 1)).encode(),
    ],
    ids=range(14),
)
def test_other_notes_are_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="E-X"):
        Note.parse(data, "E-X", "here")


def test_a_known_key_with_a_bad_signature_or_two_refuses_the_whole_note() -> None:
    twice = GOOD + GOOD.rsplit("\n", 2)[1] + "\n"
    policy = logpolicy.parse(LOG_POLICY)
    with pytest.raises(Refused, match="twice"):
        Note.parse(twice.encode(), "E-X").verify(policy.keys, "E-X")
    with pytest.raises(Refused, match="does not hold"):
        Note.parse(GOOD.replace("\n1\n", "\n2\n").encode(), "E-X").verify(policy.keys, "E-X")


W1, W2, W3 = (f"witness W{n} {vkey(name, signer, 4)}\n" for n, (name, signer) in enumerate(WITNESSES.items(), 1))
LOG = f"log {vkey(ORIGIN, key('log'), 1)}\n"
OTHER_LOG = f"log {vkey('other.example', key('other'), 1)} https://other.example\n"


@pytest.mark.parametrize(
    "text",
    [
        "quorum none",
        "quorum none\n",
        f"\n \t\n# a comment\n  \t{LOG}\t# another\n{OTHER_LOG}quorum none\n",
        f"{W1}{W2}group G any W1 W2\nquorum G\n{LOG}",
        f"{W1}quorum W1\n",
        f"{W1}{W2}{W3}group A all W1 W2\ngroup B 1 A W3\nquorum B\n",
    ],
)
def test_log_policies_that_hold(text: str) -> None:
    assert isinstance(logpolicy.parse(text), LogPolicy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "quorum\n",
        "quorum none\nquorum none\n",
        "quorum W\n",
        "quorum none none\n",
        "quorum none\r\n",
        "quorum none # comment\n",
        "# \x0b\nquorum none\n",
        "# \x7f\nquorum none\n",
        "# \x85\nquorum none\n",
        "log\nquorum none\n",
        "log x\nquorum none\n",
        f"{LOG}{LOG}quorum none\n",
        f"{W1}{W1.replace('W1', 'W9')}quorum none\n",
        f"{W1}{W2.replace('W2', 'W1')}quorum none\n",
        f"{W1.replace('W1', 'none')}quorum none\n",
        f"{W1}group W1 any W1\nquorum none\n",
        f"{W1}group G any\nquorum G\n",
        f"{W1}group G all\nquorum G\n",
        f"{W1}group G 0 W1\nquorum G\n",
        f"{W1}group G 2 W1\nquorum G\n",
        f"{W1}group G 01 W1\nquorum G\n",
        f"{W1}group G +1 W1\nquorum G\n",
        f"{W1}group G some W1\nquorum G\n",
        f"{W1}group G any W1 W1\nquorum G\n",
        f"{W1}group G any W1\ngroup H any W1\nquorum G\n",
        f"{W1}group G any none\nquorum G\n",
        f"group G any W1\n{W1}quorum G\n",
        f"{W1}group G any G\nquorum G\n",
        "witness W1\nquorum none\n",
        LOG.replace("log", "logs") + "quorum none\n",
    ],
    ids=range(31),
)
def test_log_policies_that_do_not_hold(text: str) -> None:
    with pytest.raises(Refused, match="E-LOG-POLICY"):
        logpolicy.parse(text, "policy")


def test_the_time_of_a_quorum_is_when_it_was_reached() -> None:
    policy = logpolicy.parse(f"{W1}{W2}{W3}group A 2 W1 W2\ngroup B all A W3\nquorum B\n")
    one, two, three = policy.witnesses.values()
    assert policy.time({one: 10, two: 20, three: 5}) == 20
    assert policy.time({one: 10, two: 20, three: 30}) == 30
    assert policy.time({one: 10, three: 30}) is None
    assert policy.time({}) is None
    assert logpolicy.parse("quorum none\n").time({one: 10}) is None
    second = logpolicy.parse(f"{W1}{W2}{W3}group A 2 W1 W2 W3\nquorum A\n")
    assert second.time({one: 30, two: 10, three: 20}) == 20


def test_groups_may_be_nested_deep() -> None:
    groups = "".join(f"group G{n + 1} any {f'G{n}' if n else 'W1'}\n" for n in range(20_000))
    policy = logpolicy.parse(f"{W1}{groups}quorum G20000\n")
    assert policy.time({policy.witnesses["W1"]: 7}) == 7


def proved(
    change: Callable[[str], str] = str, *, time: int = TIME, witnesses: int = 2, origin: str = ORIGIN
) -> tlog.Logged:
    log = Log(origin=origin)
    for number in range(5):
        log.append({"n": number})
    data = change(log.proof(3, time=time, witnesses=witnesses)).encode()
    return tlog.check(TlogProof.parse(data), canonical({"n": 3}), logpolicy.parse(LOG_POLICY), TIME)


def test_a_proof_gives_index_checkpoint_and_time() -> None:
    logged = proved()
    assert (logged.index, logged.checkpoint.size, logged.time) == (3, 5, TIME)
    assert logged.checkpoint.root == merkle.root(canonical({"n": number}) for number in range(5))


def test_without_a_quorum_there_is_no_time() -> None:
    log = Log()
    log.append({})
    proof = TlogProof.parse(log.proof(0, time=TIME).encode())
    assert tlog.check(proof, b"{}", logpolicy.parse(f"{LOG}quorum none\n"), 0).time is None


REFUSED: list[tuple[str, Callable[[], object]]] = [
    ("E-LOG-PROOF", lambda: TlogProof.parse(b"x" * (MAX_PROOF + 1))),
    ("E-LOG-PROOF", lambda: proved(lambda text: text.replace("@v1", "@v2"))),
    ("E-LOG-PROOF", lambda: proved(lambda text: text.replace("index 3", "index 03"))),
    ("E-LOG-PROOF", lambda: proved(lambda text: text.replace("index 3", "index 9999999999999999"))),
    ("E-LOG-PROOF", lambda: proved(lambda text: text.replace("index 3\n", ""))),
    ("E-LOG-PROOF", lambda: TlogProof.parse(b"c2sp.org/tlog-proof@v1\n\nx\n")),
    ("E-LOG-PROOF", lambda: TlogProof.parse(b"c2sp.org/tlog-proof@v1\nextra YQ==\n\nx\n")),
    ("E-LOG-PROOF", lambda: proved(lambda text: text.replace("index 3\n", "index 3\nYQ==\n"))),
    ("E-LOG-PROOF", lambda: proved(lambda text: text.replace("index 3\n", "index 3\nextra YQ==\n"))),
    ("E-LOG-PROOF", lambda: proved(lambda text: text.replace("index 3\n", "extra !\nindex 3\n"))),
    ("E-LOG-CHECKPOINT", lambda: proved(lambda text: text.replace("\n5\n", "\n05\n"))),
    ("E-LOG-CHECKPOINT", lambda: proved(lambda text: text.replace("\n5\n", "\n9999999999999999\n"))),
    ("E-LOG-CHECKPOINT", lambda: proved(lambda text: text.replace("\n5\n", "\n"))),
    ("E-LOG-CHECKPOINT", lambda: proved(lambda text: text.replace("\n5\n", "\n6\n"))),
    ("E-LOG-CHECKPOINT", lambda: proved(lambda text: text.replace(f"— {ORIGIN}", "— unknown.example"))),
    ("E-LOG-ORIGIN", lambda: proved(origin="other.example")),
    ("E-LOG-INCLUSION", lambda: proved(lambda text: text.replace("index 3", "index 2"))),
    ("E-LOG-INCLUSION", lambda: proved(lambda text: text.replace("index 3", "index 5"))),
    ("E-LOG-QUORUM", lambda: proved(witnesses=1)),
    ("E-LOG-FUTURE", lambda: proved(time=TIME + 301)),
]


@pytest.mark.parametrize(("code", "attempt"), REFUSED, ids=[f"{n} {item[0]}" for n, item in enumerate(REFUSED)])
def test_each_fault_of_a_proof_has_its_code(code: str, attempt: Callable[[], object]) -> None:
    with pytest.raises(Refused, match=code):
        attempt()


def test_a_proof_may_carry_extra_data_and_a_checkpoint_further_lines() -> None:
    assert proved(lambda text: text.replace("index 3\n", "extra YQ==\nindex 3\n")).index == 3
    assert Checkpoint.parse(TEXT + b"more\n").size == 1


@pytest.mark.parametrize("text", [TEXT + b"\n", b"\n" + TEXT, b"a\n1\nYQ==\n", b"a\n1\n!\n", TEXT[:-1]])
def test_other_checkpoints_are_refused(text: bytes) -> None:
    with pytest.raises(Refused, match="E-LOG-CHECKPOINT"):
        Checkpoint.parse(text)
