import pytest

from datalib.optout import agents, judge
from datalib.optout.answers import ROBOTS, TDMREP, Answer
from datalib.optout.model import NOTHING, Carrier, Reading, Signal, State
from datalib.optout.statement import Evidence

TABLE = agents.default()
EVIDENCE = Evidence(locator="https://e.x/a", sha256="0" * 64)


def origin(robots: str | None = None, tdmrep: str | None = None, status: int | str = 200) -> judge.OriginJudge:
    def answer(path: str, body: str | None) -> Answer | None:
        return None if body is None else Answer(origin="https://e.x", path=path, status=status, body=body.encode())

    return judge.OriginJudge(answer(ROBOTS, robots), answer(TDMREP, tdmrep), "MyBot", TABLE)


def names(signals: tuple[Signal, ...]) -> list[str]:
    return [signal.signal for signal in signals]


def together(signals: tuple[Signal, ...]) -> tuple[Reading, Reading]:
    spec = strict = NOTHING
    for signal in signals:
        spec, strict = spec | signal.spec, strict | signal.strict
    return spec, strict


def test_a_rule_for_everybody_or_for_us_denies_every_use() -> None:
    for text in ("User-agent: *\nDisallow: /a\n", "User-agent: MyBot\nDisallow: /a\n"):
        (signal,) = origin(text).judge("/a/b")
        assert signal.signal == "robots-disallow"
        assert signal.locator == "https://e.x/robots.txt#L2"
        assert signal.raw == "Disallow: /a"
        assert all(signal.strict[name] is State.DENY for name in ("crawl", "tdm", "train_gen", "search"))
        assert signal.spec == signal.strict
        assert origin(text).judge("/b") == ()


def test_to_the_letter_our_own_group_outranks_everybodys() -> None:
    (signal,) = origin("User-agent: *\nDisallow: /\nUser-agent: MyBot\nAllow: /\n").judge("/")
    assert signal.spec == NOTHING
    assert signal.strict.crawl is State.DENY
    assert signal.note == "for *"


def test_a_refusal_to_training_crawlers_reserves_training() -> None:
    text = "User-agent: GPTBot\nUser-agent: Google-Extended\nDisallow: /\nUser-agent: CCBot\nDisallow: /x\n"
    (signal,) = origin(text).judge("/a")
    assert signal.signal == "robots-ai-token"
    assert signal.strict.crawl is State.UNKNOWN
    assert signal.strict.train_any is State.DENY
    assert signal.strict.ai_input is State.DENY
    assert signal.spec == NOTHING
    assert "GPTBot" in signal.note
    assert len(origin(text).judge("/x")) == 2
    assert origin("User-agent: OAI-SearchBot\nDisallow: /\n").judge("/") == ()
    assert origin("User-agent: GPTBot\nDisallow:\n").judge("/") == ()


def test_each_voice_gives_its_own_signal() -> None:
    own, everybody = origin("User-agent: MyBot\nUser-agent: *\nDisallow: /p\n").judge("/p")
    assert (own.note, everybody.note) == ("for MyBot", "for *")
    assert (own.spec.crawl, everybody.spec.crawl) == (State.DENY, State.UNKNOWN)


def test_a_literal_rule_that_the_canonical_one_outranks_is_kept_to_the_letter() -> None:
    text = "User-agent: MyBot\nDisallow: /a\nAllow: /a%62\n"
    assert together(origin(text).judge("/ab"))[0].crawl is State.DENY


def test_status_decides_about_robots_txt() -> None:
    cases = {404: ([], 0), 503: (["robots-unreachable"], 4), 403: (["robots-refused"], 4), 429: (["robots-unclear"], 3)}
    for status, (expected, strength) in cases.items():
        judged = origin("User-agent: *\nDisallow: /\n", status=status)
        assert names(judged.judge("/")) == expected
        assert together(judged.judge("/"))[1].tested == strength
        assert judged.asked == {"robots.txt"}
    assert together(origin("", status="dns").judge("/"))[0].crawl is State.DENY
    assert names(origin("", status="too-large").judge("/")) == ["robots-unclear"]
    assert origin(None).asked == frozenset()
    assert origin(None).judge("/") == ()


def test_bodies_that_are_no_robots_txt_hold() -> None:
    assert names(origin("<html>").judge("/")) == ["robots-html"]
    assert together(origin("<html>").judge("/"))[1].tested is State.HOLD
    unreadable = judge.OriginJudge(
        Answer(origin="https://e.x", status=200, body="User-agent: *".encode("utf-16") + b"\0"), None, "MyBot", TABLE
    )
    assert names(unreadable.judge("/")) == ["robots-unreadable"]


def test_preferences_in_robots_txt_are_heard() -> None:
    text = "User-agent: *\nAllow: /\nContent-Usage: train-ai=n\nContent-Signal: ai-train=no\nDisallowAITraining: /t\n"
    assert names(origin(text).judge("/t")) == ["aipref-robots", "content-signal", "robots-ai-training"]
    denied = origin("User-agent: *\nDisallow: /\nContent-Usage: train-ai=y\n").judge("/")
    assert [s.spec.train_gen for s in denied] == [State.DENY, State.UNKNOWN]


def test_the_well_known_file_is_heard_and_counted_when_it_answers() -> None:
    judged = origin("", '[{"location": "/", "tdm-reservation": 1}]')
    (signal,) = judged.judge("/")
    assert signal.signal == "tdmrep"
    assert signal.strict.train_gen is State.DENY
    assert judged.asked == {"robots.txt", "tdmrep.json"}
    assert origin(None, "", status=404).asked == {"tdmrep.json"}
    assert origin(None, "", status=500).asked == frozenset()
    assert origin(None, "[]").judge("/") == ()


def test_headers_are_heard_whatever_their_case() -> None:
    lines = [
        ("X-ROBOTS-TAG", "all"), ("x-robots-tag", "noai"), ("Content-Usage", "train-ai=n"),
        ("Content-Signal", "ai-train=no"),
        ("TDM-Reservation", "1"), ("Link", '<https://e.x/l>; rel="license"; type="application/rsl+xml"'), ("Age", "1"),
    ]  # fmt: skip
    found = judge.judge_headers(lines, "MyBot", EVIDENCE, status=200)
    assert names(found) == ["x-robots-tag", "aipref-header", "content-signal-header", "tdmrep-header", "rsl-license"]
    assert names(judge.judge_headers([], "MyBot", EVIDENCE, status=403)) == ["http-refused"]
    assert names(judge.judge_headers([], "MyBot", EVIDENCE, status=429)) == ["http-unclear"]
    assert judge.judge_headers([("Link", "<a>; rel=next")], "MyBot", EVIDENCE) == ()


def page(html: str) -> tuple[list[str], Reading, Reading]:
    found = judge.judge_page(html.encode(), "MyBot", TABLE, EVIDENCE)
    return names(found), *together(found)


def test_pages_are_heard() -> None:
    found, spec, strict = page(
        '<meta name="robots" content="noai"><meta name="tdm-reservation" content="1">'
        '<meta name="tdm-policy" content="p">'
        '<meta name="content-usage" content="train-ai=n"><meta name="content-signals" content="ai-train=no">'
        '<link rel="license" type="application/rsl+xml" href="/l">'
    )
    assert found == ["robots-meta", "tdmrep-meta", "aipref-header", "content-signal-header", "rsl-license"]
    assert spec.tdm is strict.tdm is State.DENY
    assert page("<p>nothing")[0] == []


def test_meta_elements_under_a_wrong_attribute_are_meant_strictly() -> None:
    _, spec, strict = page('<meta property="tdm:reservation" content="1">')
    assert (spec.tdm, strict.tdm) == (State.UNKNOWN, State.DENY)


def test_ai_licence_elements() -> None:
    states = {"deny": State.DENY, "allow": State.UNKNOWN, "allow; price: 1": State.CONDITIONAL, "ask": State.HOLD}
    for content, state in states.items():
        assert page(f'<meta name="ai-license" content="{content}">')[2].tested is state
    assert page('<meta name="ai-license" content="ask">')[1].tested is State.UNKNOWN
    assert page('<meta name="ai-license" content=" ">')[0] == []


def test_a_page_above_the_bound_holds() -> None:
    html = b" " * (8 << 20) + b"<p>"
    assert names(judge.judge_page(html, "MyBot", TABLE, EVIDENCE)) == ["page-unreadable"]


RSL = '<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>{}</license></content></rsl>'
FREE = RSL.format('<permits type="usage">all</permits>')
REFUSED = RSL.format('<prohibits type="usage">ai-train</prohibits>')


def site(linked: dict[str, tuple[int | str, str]], robots: str = "", **files: str) -> judge.OriginJudge:
    """Make a judge of a site: its robots.txt, other files by name (``ai`` for ``/ai.txt``), linked documents."""
    return judge.OriginJudge(
        Answer(origin="https://e.x", status=200, body=robots.encode()), None, "MyBot", TABLE,
        files=[
            Answer(origin="https://e.x", path=f"/{name}.{'xml' if name == 'license' else 'txt'}", status=200,
                   body=body.encode())
            for name, body in files.items()
        ],
        linked={
            url: Answer(origin="https://o.x", path=url.removeprefix("https://o.x"), status=status, body=body.encode())
            for url, (status, body) in linked.items()
        },
        origin="https://e.x",
    )  # fmt: skip


LINK = "License: https://o.x/l.xml\n"


@pytest.mark.parametrize(
    ("robots", "linked", "expected"),
    [
        (LINK, {}, State.CONDITIONAL),
        (LINK, {"https://o.x/l.xml": (200, FREE)}, State.ALLOW),
        (LINK, {"https://o.x/l.xml": (200, REFUSED)}, State.DENY),
        (LINK, {"https://o.x/l.xml": (200, "<html>")}, State.HOLD),
        (LINK, {"https://o.x/l.xml": (404, "")}, State.HOLD),
        (LINK, {"https://o.x/l.xml": ("timeout", FREE)}, State.HOLD),
        (LINK + "License: /b.xml\n", {"https://o.x/l.xml": (200, FREE)}, State.CONDITIONAL),
        (LINK + "License: mailto:a@e.x\n", {"https://o.x/l.xml": (200, REFUSED)}, State.DENY),
        ("".join(f"License: /{n}\n" for n in range(99)), {f"https://e.x/{n}": (200, FREE) for n in range(99)},
         State.CONDITIONAL),
        ("", {"https://o.x/l.xml": (200, REFUSED)}, State.UNKNOWN),
    ],
)  # fmt: skip
def test_linked_licences_speak_when_they_were_read(
    robots: str, linked: dict[str, tuple[int | str, str]], expected: State
) -> None:
    assert together(site(linked, robots).judge("/a"))[1].tested is expected


def test_the_small_files_of_a_site_speak() -> None:
    judged = site({}, ai="Disallow: /\n", trust="datatrainingallowed=no", license=REFUSED)
    assert judged.asked == {"robots.txt", "ai.txt", "trust.txt", "license.xml"}
    assert names(judged.judge("/a")) == ["ai-txt", "trust-txt", "rsl-license"]
    silent = site({}, ai="<html>", license="<html>")
    assert silent.asked == {"robots.txt", "ai.txt", "license.xml"}
    assert silent.judge("/a") == ()


def test_a_small_file_that_failed_was_not_asked() -> None:
    files = [Answer(origin="https://e.x", path="/ai.txt", status=status) for status in (403, 500, "dns")]
    assert judge.OriginJudge(None, None, "MyBot", TABLE, files=files).asked == frozenset()
    absent = [Answer(origin="https://e.x", path="/.well-known/trust.txt", status=404)]
    assert judge.OriginJudge(None, None, "MyBot", TABLE, files=absent).asked == {"well-known/trust.txt"}


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (FREE, State.ALLOW),
        (REFUSED, State.DENY),
        (RSL.format('<permits type="usage">train-ai</permits>'), State.HOLD),
        ("not RSL", State.HOLD),
        ("<rsl/>", State.UNKNOWN),
    ],
)
def test_a_licence_that_stands_in_a_page_is_read(inside: str, expected: State) -> None:
    html = f"<title>t</title><script type='application/rsl+xml'>{inside}</script><script>rsl</script>"
    found = judge.judge_page(html.encode(), "MyBot", TABLE, EVIDENCE)
    assert together(found)[1].tested is expected
    assert all(signal.carrier is Carrier.PAGE for signal in found)
