"""Times, digests, base64."""

import base64

import pytest

from datalib.errors import Refused
from datalib.formats import check_digest, decode_base64, encode_base64, format_time, parse_time, sha256_hex


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-09-21T14:13:20Z", 1_790_000_000),
        ("2024-02-29T23:59:59Z", 1_709_251_199),
        ("0001-01-01T00:00:00Z", -62_135_596_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ],
)
def test_times_both_ways(text: str, seconds: int) -> None:
    assert parse_time(text) == seconds
    assert format_time(seconds) == text


@pytest.mark.parametrize(
    "text",
    [
        "2026-09-21T14:13:20+05:00",
        "2026-09-21 14:13:20Z",
        "2026-09-21T14:13:20z",
        "2026-09-21T14:13:20.0Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-09-21T24:00:00Z",
        "2026-09-21T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "٢٠٢٦-09-21T14:13:20Z",
        "2026-09-21T14:13:20Z\n",
        "",
    ],
)
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="E-TIME-FORMAT"):
        parse_time(text, "here")


@pytest.mark.parametrize("text", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", "sha256:" + "a" * 57])
def test_other_digests_are_refused(text: str) -> None:
    with pytest.raises(Refused, match="E-DIGEST-FORMAT"):
        check_digest(text)


def test_a_digest_is_given_back() -> None:
    assert check_digest(sha256_hex(b"")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_base64_both_ways(data: bytes) -> None:
    assert encode_base64(data) == base64.b64encode(data).decode()
    assert decode_base64(encode_base64(data), "E-X") == data


@pytest.mark.parametrize("text", ["YQ", "YR==", "YQ==\n", " YQ==", "YQ=a", "Y", "YQ===", "Y-_=", "é===", "YWJj===="])
def test_other_base64_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="E-X"):
        decode_base64(text, "E-X", "here")
