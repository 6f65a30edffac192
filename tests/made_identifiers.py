"""Made texts whose identifiers are known: every kind in the forms people write, and numbers that only look like one.

Seeded; nobody's numbers. Used by the tests and by ``bench.personal``.
"""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from datalib.personal.detectors import KINDS, find, luhn
from datalib.trust.parties import is_kz_number

TODAY = date(2026, 11, 25)
_WORDS = ("өтініш", "келді", "заявка", "принята", "the order", "was sent", "номірі", "тел", "id", "сома", "row", "от")
_DOMAINS = ("mail.kz", "gmail.com", "kaznu.edu.kz", "пошта.қаз", "a-b.example.org.kz")
_IBAN = {
    "KZ": ("dddcccccccccccc+", 20),
    "DE": ("d" * 18, 22),
    "GB": ("UUUU" + "d" * 14, 22),
    "RU": ("d" * 14 + "c" * 15, 33),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A text and what stands in it: the kind, or ``""`` for a number that is none."""

    text: str
    value: str
    kind: str


def _digits(random_: random.Random, count: int) -> str:
    return "".join(random_.choice("0123456789") for _ in range(count))


def iin(random_: random.Random) -> str:
    """Make a number that passes as an IIN of somebody born between 1930 and 2025."""
    while True:
        born = date(1930, 1, 1) + timedelta(days=random_.randrange(34_700))
        century = random_.choice("34" if born.year < 2000 else "56")
        head = f"{born:%y%m%d}{century}{_digits(random_, 4)}"
        for last in "0123456789":
            if is_kz_number(head + last):
                return head + last


def bin_(random_: random.Random) -> str:
    """Make a BIN."""
    while True:
        year, month, kind = random_.randrange(90, 126) % 100, random_.randrange(1, 13), random_.choice("456")
        head = f"{year:02}{month:02}{kind}0{_digits(random_, 5)}"
        for last in "0123456789":
            if is_kz_number(head + last):
                return head + last


def phone(random_: random.Random) -> str:
    a, b, c, d = (
        random_.choice(["701", "705", "747", "771", "777"]),
        _digits(random_, 3),
        _digits(random_, 2),
        _digits(random_, 2),
    )
    landline = random_.choice(["727", "717", "495", "812"])
    return random_.choice([
        f"+7 {a} {b} {c} {d}", f"+7{a}{b}{c}{d}", f"8 ({a}) {b}-{c}-{d}", f"8{a}{b}{c}{d}", f"8-{a}-{b}-{c}-{d}",
        f"+7 ({landline}) {b}-{c}-{d}", f"8({landline}){b}{c}{d}", f"+49 30 {b}{c}{d}9", f"+1 (212) {b}-{c}{d}",
        f"+998 90 {b} {c} {d}", f"7 {a} {b} {c} {d}",
    ])  # fmt: skip


def email(random_: random.Random) -> str:
    name = random_.choice(["aigerim", "a.serik", "info", "ivan_petrov", "k-ahmet+news", "почта"])
    return f"{name}{_digits(random_, 2)}@{random_.choice(_DOMAINS)}"


def card(random_: random.Random) -> str:
    while True:
        number = random_.choice(["4", "51", "2204", "62", "36", "37"]) + _digits(random_, 18)
        number = number[: {"36": 14, "37": 15}.get(number[:2], 16)]
        if luhn(number):
            break
    grouped = " ".join(number[place : place + 4] for place in range(0, 16, 4))
    return random_.choice([number, grouped, grouped.replace(" ", "-")]) if len(number) == 16 else number


def iban(random_: random.Random) -> str:
    country = random_.choice(sorted(_IBAN))
    form, length = _IBAN[country]
    letters = {"d": "0123456789", "U": "ABCDEFGHKLMNPRST", "c": "0123456789ABCDEFGHKLMNPRST", "+": "0123456789"}
    body = "".join(random_.choice(letters[one]) for one in form)[: length - 4]
    number = int("".join(str(int(one, 36)) for one in f"{body}{country}00"))
    written = f"{country}{98 - number % 97:02}{body}"
    return random_.choice([written, " ".join(written[place : place + 4] for place in range(0, length, 4))])


def nothing(random_: random.Random) -> str:
    """Make what looks like an identifier and is none, or is one of another kind of thing."""
    pick = random_.randrange(14)
    if pick == 0:
        return bin_(random_)
    if pick == 1:  # one digit of an IIN is wrong, not the eleventh, which nothing guards
        number, place = iin(random_), random_.randrange(10)
        return number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]

    def some(count: int) -> str:
        return _digits(random_, count)

    at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=random_.randrange(1_500_000))
    return (
        some(12), some(16), some(10), f"{random_.uniform(0, 1):.15f}", f"{at:%Y-%m-%d %H:%M}", f"{at:%Y%m%d%H%M}",
        f"{at.timestamp() * 1000:.0f}", f"{random_.getrandbits(128):032x}", f"978-5-{some(5)}-{some(3)}-{some(1)}",
        f"{some(3)}.{some(3)}.{some(2)}.{some(2)}", "user@example.com", f"7 {some(3)} {some(3)} {some(3)}",
    )[pick - 2]  # fmt: skip


MAKERS = {"card": card, "email": email, "iban": iban, "iin": iin, "phone": phone, "": nothing}


def made(seed: int, count: int) -> Iterator[Made]:
    """Make texts, as many of each kind as of the others, those of no kind included."""
    random_ = random.Random(seed)
    for number in range(count):
        kind = sorted(MAKERS)[number % len(MAKERS)]
        value = MAKERS[kind](random_)
        words = [random_.choice(_WORDS) for _ in range(random_.randrange(2, 8))]
        place = random_.randrange(len(words) + 1)
        before, after = " ".join(words[:place]), " ".join(words[place:])
        closing = random_.choice([" ", ", ", ". ", ") ", "; "])
        yield Made(text=f"{before}{' ' if before else ''}{value}{closing}{after}", value=value, kind=kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How often a kind was found rightly, wrongly and not."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0


def scores(texts: Iterable[Made]) -> dict[str, Score]:
    """Score the detectors: a find is right only if kind and both ends are."""
    right, wrong, missed = Counter[str](), Counter[str](), Counter[str]()
    for one in texts:
        found = [(each.kind, one.text[each.start : each.end]) for each in find(one.text, TODAY)]
        if (one.kind, one.value) in found:
            found.remove((one.kind, one.value))
            right[one.kind] += 1
        elif one.kind:
            missed[one.kind] += 1
        wrong.update(kind for kind, _ in found)
    return {kind: Score(right=right[kind], wrong=wrong[kind], missed=missed[kind]) for kind in KINDS}
