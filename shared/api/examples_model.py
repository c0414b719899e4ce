"""Examples of what models cost, by operation."""

from collections.abc import Mapping
from typing import Any

USAGE_EXAMPLES: Mapping[str, dict[str, Any]] = {
    "read_model_usage": {
        "currency": "USD",
        "daily_budget": 20.0,
        "left_today": 18.6321,
        "has_model": True,
        "days": [
            {
                "day": "2026-11-23",
                "spent": 1.2679,
                "reserved": 0.1,
                "calls": 41,
                "prompt_tokens": 254310,
                "cached_tokens": 168448,
                "completion_tokens": 84210,
            }
        ],
    },
}
