"""Reports made for tests: told, written and parsed."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from selectolax.lexbor import LexborHTMLParser, LexborNode

from datalib.admission import Demand
from datalib.assembly.survey import Upstream
from datalib.library.manifest import Input
from datalib.publish import report, story
from datalib.publish.story import Question, Story
from datalib.rules.reading import Request
from datalib.trust.belief import Trust
from datalib.trust.parties import Producer
from tests.libraries import NOW, ROOTS, draft_policy, sign_policy

LOGGED = Trust(policy=sign_policy(draft_policy()), roots=ROOTS)


def tell(
    path: Path,
    *,
    trust: Trust | None = LOGGED,
    scan: Path | None = None,
    law: Request = Request(),  # noqa: B008 - a frozen value
    now: int = NOW,
    **asked: object,
) -> Story:
    """Tell of a library."""
    demand = replace(Demand(), **asked)  # type: ignore[arg-type] # members of Demand, checked by it
    return story.tell(path, Question(trust=trust, demand=demand, law=law, now=now, scan=scan))


def page(told: Story, lang: str = "en") -> LexborHTMLParser:
    """Write a report and parse it as browsers do."""
    return LexborHTMLParser(report.write(told, lang).decode())


def only(tree: LexborHTMLParser, selector: str) -> LexborNode:
    """Find the one element."""
    (found,) = tree.css(selector)
    return found


def text(tree: LexborHTMLParser, selector: str) -> str:
    """Give what is read in the one element, spaces evened."""
    return " ".join(only(tree, selector).text().split())


def made_of(told: Story, below: Sequence[Upstream]) -> Story:
    """Give the same story with another upstream."""
    assert told.told is not None
    return replace(told, told=replace(told.told, below=tuple(below)))


def many(count: int, producers: int = 12) -> list[Upstream]:
    """Make so many upstream libraries: most are inputs themselves, the others inputs of those, a tenth of two."""
    makers = [Producer(id=f"x-test:p{n}", name={"ru": f"Институт языка № {n}"}) for n in range(producers)]
    found = list[Upstream]()
    for number in range(count):
        lib = f"{number:064x}"
        item = Input(lib=lib, head=lib, manifest=lib, mode=("verbatim", "subset", "derived")[number % 3])
        direct = number < count * 0.7
        users = [None if direct else f"{number * 7 % max(1, count // 2):064x}"]
        users += [f"{number // 3:064x}"] if number % 10 == 9 else []
        found += [
            Upstream(
                item=item,
                by=user,
                depth=1,
                name=f"corpus-of-speech-{number}",
                title={"kk": f"Сөйлеу корпусы {number}"},
                producer=makers[number % producers],
                taken=1,
                events=2 + number % 2,
                withdrawn="recalled" if number % 40 == 5 else "",
                follow="optout" if number % 40 == 6 else "",
                recipients=(makers[0].party,) * (number % 3),
            )
            for user in users
        ]
    return found
