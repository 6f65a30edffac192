"""Every case of the conformance suites, as its own expectation says; what is argued is listed by the runner."""

from pathlib import Path

import pytest

from tests.conformance import optout
from tests.shared import SHARED

#: A suite and how many of its cases must really have been run: an argument must not grow in silence.
SUITES = {
    "google_robotstxt": 191,
    "google_robotstxt_spec_test": 310,
    "protego": 271,
    "metawatch_robots": 11,
    "parser_pitfalls": 31,
    "ai_agent_tokens": 166,
    "robots_fetch_status": 30,
    "aipref": 59,
    "content_signal": 62,
    "tdmrep": 51,
    "xrobots_meta": 59,
    "crawler_commons_simple": 254,
    "real_robots_index": 192,
    "ai_txt_and_other": 36,
    "rsl": 29,
    "c2pa_cawg": 18,
    "plus_datamining": 39,
}


@pytest.mark.shared
@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_answers_as_expected(suite: str) -> None:
    results = [optout.run_case(case) for case in optout.read_cases(SHARED / "cases" / "optout" / f"{suite}.jsonl")]
    failures = {result.name: result.failures for result in results if result.failures}
    assert not failures
    assert sum(result.ran for result in results) >= SUITES[suite]


def test_the_runner_reports_failures_arguments_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text(
        '{"suite": "s", "id": "good", "kind": "url_to_path", "input": "http://e.x/a", "expected": "/a"}\n'
        '{"suite": "s", "id": "bad", "kind": "url_to_path", "input": "http://e.x/a", "expected": "/b"}\n'
        '{"suite": "s", "id": "gone", "kind": "file", "file": "x", "sha256": "", "expected": {"strict": "deny"}}\n'
        '{"suite": "s", "id": "new", "kind": "no such kind", "input": "", "expected": 1}\n'
        '{"suite": "s", "id": "made", "kind": "is_allowed", "input": null, "input_spec": {"repeat": "a"},'
        ' "user_agent": "x", "url": "/", "expected": "allow"}\n',
        encoding="utf-8",
    )
    assert optout.main([str(cases)]) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "FAILED s/bad result: expected '/b', got '/a'"
    assert printed[1].startswith("ARGUED s/gone: the file x is not here")
    assert printed[2] == "FAILED s/new kind: expected 'no such kind', got 'not known to this runner'"
    assert printed[3].startswith("ARGUED s/made: no recipe for the input")
    assert printed[-1] == "1 passed, 2 failed"
