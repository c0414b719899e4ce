"""What is printed of confidence: the reliability table, the scores, and whether the goals are met."""

from dataclasses import asdict, dataclass

from shared.hypotheses.quality import Quality

MOST_ECE = 0.10


@dataclass(frozen=True)
class Report:
    """Confidence on the incidents of one seed."""

    seed: int
    cases: int
    calibration: str
    quality: Quality

    @property
    def meets_goals(self) -> bool:
        """Whether it can be believed; of nothing measured it cannot."""
        one = self.quality
        if one.brier is None or one.constant_brier is None or one.ece is None:
            return False
        return one.ece <= MOST_ECE and one.brier < one.constant_brier

    def as_plain(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "meets_goals": self.meets_goals}

    def as_text(self) -> str:
        """For people."""
        one = self.quality
        lines = [f"{'confidence':>12} {'n':>6} {'mean':>7} {'right':>7}"]
        lines += [
            f"{f'{row.low:.1f} to {row.high:.1f}':>12} {row.n:>6} {_share(row.mean_confidence):>7}"
            f" {_share(row.share_right):>7}"
            for row in one.reliability
        ]
        lines += [
            f"hypotheses: {one.n} of {self.cases} incidents of seed {self.seed}",
            f"calibration: {self.calibration}",
            f"Brier score: {_share(one.brier)} (the best constant: {_share(one.constant_brier)})",
            f"expected calibration error: {_share(one.ece)} (at most {MOST_ECE:.2f})",
            "the goals are met" if self.meets_goals else "the goals are NOT met",
        ]
        return "\n".join(lines)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
