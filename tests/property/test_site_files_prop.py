"""Whatever the bytes: the readers of site files and licences give both readings, and the strict one is no weaker."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from datalib.optout import declared, rsl, site_files
from datalib.optout.model import CATEGORIES, Signal
from datalib.optout.statement import Evidence

EVIDENCE = Evidence(locator="x", sha256="0" * 64)
LINES = [
    "User-Agent: *", "User-Agent: Bot", "Disallow: *.jpg", "Disallow: /", "Allow: *.jpg", "Allow: /", "Disallow: x y",
    "Training: allow", "Training: deny", "Training: conditional", "Training: no", "  Training: deny", "Agent: Bot",
    "Training-Allow: /a*", "Training-Deny: /*", "Training-Fee: x", "Site-Name: x", "Site-URL: x",
    "datatrainingallowed=no", "datatrainingallowed=yes", "datatrainingallowed: maybe", "<html>", "#",
]  # fmt: skip
PARTS = [
    '<rsl xmlns="https://rslstandard.org/rsl">', "<rsl>", '<content url="/">', '<content url="/a" server="x">',
    '<content url="https://o.x/">', "<license>", '<permits type="usage">', '<prohibits type="usage">',
    '<permits type="geo">', "ai-train", " search", ",", "all", '<payment type="free"/>', "<payment>", "<legal/>",
    "</payment>",
    "</permits>", "</prohibits>", "</license>", "</content>", "</rsl>", "&x;",
]  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=200), st.lists(st.sampled_from(LINES)).map(lambda found: "\n".join(found).encode())
)
TARGETS = st.one_of(st.sampled_from(["/", "/a", "/a.jpg", "/x?f=a.jpg"]), st.text(max_size=10).map(lambda x: "/" + x))
KEYS = st.sampled_from(
    ["TDM", "AI Training", "EpubUsageType", "syntheticContentGeneration", "bulkDataset", "allow", "aiTraining"]
)
JSON = st.recursive(st.none() | st.booleans() | st.text(max_size=8), lambda inner: st.dictionaries(KEYS, inner))


def check(found: tuple[Signal, ...]) -> None:
    for signal in found:
        assert all(signal.strict[name] >= signal.spec[name] for name in CATEGORIES if signal.spec[name] > 1)


@given(st.sampled_from([site_files.AI_TXT, site_files.TRUST_TXT]), BODIES, TARGETS)
def test_site_files(path: str, body: bytes, target: str) -> None:
    file = site_files.parse(path, body)
    assert file is not None
    found = site_files.signals(file, target, EVIDENCE)
    check(found)
    if file.uniform:
        assert found == site_files.signals(file, "/", EVIDENCE)


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PARTS)).map(lambda x: "".join(x).encode())), TARGETS)
def test_licences(body: bytes, target: str) -> None:
    document = rsl.parse(body)
    found = document.signals(target, EVIDENCE, "https://e.x")
    check(found)
    if document.uniform:
        assert found == document.signals("/", EVIDENCE)


@given(st.lists(st.text(max_size=40)), st.text(max_size=20))
def test_links(lines: list[str], link: str) -> None:
    rsl.header_links(lines)
    found = rsl.resolve(link, "https://e.x/robots.txt")
    assert found is None or found.startswith(("https://", "http://"))


@given(JSON)
def test_values_of_others(value: Any) -> None:
    for reader in (declared.onix, declared.tdm_ai, declared.user_intents, declared.erc7517):
        check(reader(value, EVIDENCE))
