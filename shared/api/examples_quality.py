"""What the quality of confidence may look like, for the documentation."""

from collections.abc import Mapping
from typing import Any

_BINS = {2: (12, 0.2511, 0.1667), 4: (9, 0.4433, 0.5556), 7: (14, 0.7514, 0.7143), 9: (25, 0.9406, 0.96)}


def _bin(at: int) -> dict[str, Any]:
    n, mean, right = _BINS.get(at, (0, None, None))
    return {"low": at / 10, "high": (at + 1) / 10, "n": n, "mean_confidence": mean, "share_right": right}


QUALITY_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "read_quality": {
        "window_start": "2026-08-25T12:00:00.000000Z",
        "window_end": "2026-11-23T12:00:00.000000Z",
        "labels": 60,
        "brier": 0.1312,
        "constant_brier": 0.2222,
        "ece": 0.0513,
        "reliability": [_bin(at) for at in range(10)],
        "calibration": {
            "origin": "global",
            "version": "global-5d41402abc4b",
            "ranker_version": None,
            "n": 4000,
            "fitted_at": "2026-11-20T00:00:00.000000Z",
        },
        "labels_for_own_calibration": 200,
    },
}
