"""Ordinary words that claims are made of, where more than their letters has to be known."""

NUMBER_WORDS = frozenset({
    "double", "doubled", "doubles", "dozen", "dozens", "eight", "eighty", "eleven", "fifty", "five", "forty",
    "four", "halved", "hundred", "hundreds", "million", "millions", "nine", "ninety", "pct", "percent",
    "quadrupled", "seven", "seventy", "six", "sixty", "ten", "tenfold", "thirty", "thousand", "thousands",
    "three", "threefold", "thrice", "triple", "tripled", "triples", "twelve", "twenty", "twice", "two",
    "twofold",
})  # fmt: skip
"""Numbers in words, which nobody looks up: what is said in them is written anew."""
COMPOUND_PARTS = frozenset({
    "a", "all", "and", "back", "bad", "baseline", "before", "by", "call", "callee", "caller", "calls", "client",
    "cold", "count", "cpu", "crash", "critical", "cross", "disk", "down", "downstream", "end", "error",
    "errors", "fail", "failing", "fast", "first", "flight", "free", "full", "good", "heavy", "high", "hot",
    "hour", "in", "io", "is", "it", "last", "late", "latency", "level", "limit", "load", "local", "long",
    "loop", "low", "memory", "mid", "minute", "most", "multi", "network", "new", "no", "node", "non", "normal",
    "not", "of", "off", "old", "on", "only", "out", "over", "p", "peak", "per", "percentile", "point", "pool",
    "post", "pre", "queue", "rate", "ratio", "re", "read", "red", "related", "release", "request", "requests",
    "restart", "retry", "roll", "rolled", "s", "safe", "saturation", "second", "self", "server", "short",
    "side", "single", "slow", "some", "standing", "start", "steady", "thread", "threads", "through", "time",
    "timed", "to", "traffic", "up", "upstream", "user", "wait", "waiting", "warm", "well", "wide", "worse",
    "write",
})  # fmt: skip
"""What may be put together with a hyphen or a slash without being taken for a name."""
