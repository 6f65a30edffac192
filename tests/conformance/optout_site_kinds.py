"""The kinds of cases about licence documents, small site files, and statements that travel apart from sites."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from datalib.optout import declared, robots, rsl, site_files
from datalib.optout.model import NOTHING, Signal, State
from datalib.optout.patterns import url_to_path
from tests.conformance.optout_kinds import EVIDENCE, Case, Outcome, body_of


def document(case: Case) -> Outcome:
    parts = urlsplit(case["url"])
    usages = rsl.parse(body_of(case)).usages(url_to_path(case["url"]), f"{parts.scheme}://{parts.netloc}")
    got = {usage: usages.get(usage, State.UNKNOWN).label for usage in rsl.USAGES}
    return {field: (expected, got.get(field)) for field, expected in case["expected"].items()}


def robots_license_urls(case: Case) -> Outcome:
    return {"urls": (case["expected"], list(rsl.robots_links(robots.parse(body_of(case)))))}


def robots_license_for_agent(case: Case) -> Outcome:
    links = rsl.links_for(robots.parse(body_of(case)), case["user_agent"])
    return {"urls": (case["expected"], [rsl.resolve(link, case["base"]) for link in links])}


def link_header(case: Case) -> Outcome:
    lines = case["input"] if isinstance(case["input"], list) else [case["input"]]
    return {"urls": (case["expected"], list(rsl.header_links(lines)))}


def ai_txt(case: Case) -> Outcome:
    return _site_file(case, site_files.parse_ai_txt(body_of(case)))


def trust_txt(case: Case) -> Outcome:
    return _site_file(case, site_files.parse_trust_txt(body_of(case)))


def _site_file(case: Case, file: site_files.SiteFile) -> Outcome:
    strict = file.say(url_to_path(case.get("url") or "/")).strict
    return {"strict": (case["expected"], _agree(case["expected"], strict))}


def read(reader: Callable[..., tuple[Signal, ...]], key: str = "") -> Callable[[Case], Outcome]:
    """Make a handler of a reader of values; ``key``: the member whose value the case gives."""

    def run(case: Case) -> Outcome:
        strict = NOTHING
        for signal in reader({key: case["input"]} if key else case["input"], EVIDENCE):
            strict |= signal.strict
        training = max(strict.train_any, strict.train_gen)
        if case["expected"] == "allow_tdm":
            training = strict.tdm
        return {"strict": (case["expected"], _agree(case["expected"], max(training, State.UNKNOWN)))}

    return run


def _agree(word: str, state: State) -> str:
    """Give the word back when it means our state: cases say of an allow what it is good for."""
    return word if word.startswith("allow") and state is State.ALLOW else state.label


HANDLERS: Mapping[str, Callable[[Case], Any]] = {
    "document": document, "robots_license_urls": robots_license_urls,
    "robots_license_for_agent": robots_license_for_agent, "link_header": link_header,
    "ai_txt": ai_txt, "trust_txt": trust_txt,
    "onix": read(declared.onix), "tdmai_liccium": read(declared.tdm_ai), "bluesky_intent": read(declared.user_intents),
    "erc7517_dataMining": read(declared.erc7517, "dataMining"),
    "erc7517_aiInference": read(declared.erc7517, "aiInference"),
    "erc7517_aiTraining": read(declared.erc7517, "aiTraining"),
    "erc7517_aiGenerativeTraining": read(declared.erc7517, "aiGenerativeTraining"),
}  # fmt: skip
