"""Which files a sample reads, and how likely it misses changed ones: counted out, and compared with the formula."""

import hashlib
from itertools import combinations
from math import comb

import pytest

from datalib.library.sampling import Sample, sample


def test_sample_follows_its_rule() -> None:
    drawn: list[int] = []
    k = 0
    while len(drawn) < 3:
        number = int.from_bytes(hashlib.sha256(b"seed%d" % k).digest()[:8], "big") % 10
        if number not in drawn:
            drawn.append(number)
        k += 1
    assert [index for index in range(10) if sample(10, 3, seed=b"seed")(index)] == sorted(drawn)
    assert [index for index in range(10) if sample(10, 7, seed=b"seed")(index)] == sorted({*range(10)} - {*drawn})
    for count in range(13):
        assert sum(map(sample(10, count, seed=b"x"), range(10))) == min(count, 10)


@pytest.mark.parametrize(("files", "drawn"), [(6, 1), (6, 3), (7, 5), (5, 5), (3, 1)])
def test_the_chance_to_miss_is_that_of_counting_all_draws(files: int, drawn: int) -> None:
    draws = list(combinations(range(files), drawn))
    told = Sample(drawn=drawn, files=files, seed=b"")
    for changed in range(files + 1):
        missing = sum(min(draw) >= changed for draw in draws)
        assert told.missed(changed) == pytest.approx(missing / len(draws), abs=1e-12)
    for sure in (0.5, 0.95):
        least = next((k for k in range(files + 1) if told.missed(k) <= 1 - sure), files)
        assert told.found(sure) == least


def test_the_chance_to_miss_among_many() -> None:
    told = Sample(drawn=300, files=10_000_000, seed=b"")
    exact = comb(9_900_000, 300) / comb(10_000_000, 300)
    assert told.missed(100_000) == pytest.approx(exact, rel=1e-5)
    assert told.missed(1) == 1 - 300 / 10_000_000
    assert told.missed(0) == 1.0
    least = told.found()
    whole = comb(10_000_000, 300)
    assert comb(10_000_000 - least - 1, 300) / whole < 0.05 < comb(10_000_000 - least + 1, 300) / whole


def test_every_file_is_drawn_as_often_as_any_other() -> None:
    counts = [0] * 10
    for seed in range(2000):
        chosen = sample(10, 3, seed=seed.to_bytes(4, "big"))
        for index in range(10):
            counts[index] += chosen(index)
    assert sum(counts) == 6000
    assert all(520 < count < 680 for count in counts)
