"""What the benchmark of verification verifies is what it says."""

from bench.verification import HYPOTHESES, verification_milliseconds


def test_each_repeat_is_timed() -> None:
    assert len(verification_milliseconds(repeats=2, services=20)) == 2
    assert HYPOTHESES == 10
