"""What a pattern alone cannot tell: whether a number is a card's or an account's, whether a word is a secret."""

import re

# Issuer's first digits and the lengths they come with (ISO/IEC 7812, the networks' own ranges). What begins with 1,
# as every time in micro- or nanoseconds does until 2033, is no card.
_CARDS = re.compile(
    r"4\d{15}|(?:5[1-5]|2(?:2[3-9]|[3-6]\d|7[01]))\d{14}|222[1-9]\d{12}|2720\d{12}|3[47]\d{13}|"
    r"3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|(?:6011|64[4-9]\d|65\d\d|62\d\d)\d{12}"
)
# How long an account number of each country is (SWIFT's IBAN registry).
_IBAN_LENGTHS = {
    **dict.fromkeys(("NO",), 15),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("DK", "FI", "NL"), 18),
    **dict.fromkeys(("MK", "SI"), 19),
    **dict.fromkeys(("AT", "BA", "EE", "LT", "LU", "XK"), 20),
    **dict.fromkeys(("CH", "HR", "LI", "LV"), 21),
    **dict.fromkeys(("BG", "BH", "CR", "DE", "GB", "GE", "IE", "ME", "RS"), 22),
    **dict.fromkeys(("AE", "GI", "IL"), 23),
    **dict.fromkeys(("AD", "CZ", "ES", "MD", "PK", "RO", "SA", "SE", "SK", "TN"), 24),
    **dict.fromkeys(("PT",), 25),
    **dict.fromkeys(("IS", "TR"), 26),
    **dict.fromkeys(("FR", "GR", "IT", "MC", "SM"), 27),
    **dict.fromkeys(("AL", "CY", "HU", "LB", "PL"), 28),
    **dict.fromkeys(("BR", "EG", "QA", "UA"), 29),
    "KW": 30,
    "MT": 31,
}
_UNITS = frozenset(
    {"service", "socket", "timer", "mount", "automount", "slice", "scope", "target", "path", "device", "swap"}
)
_FILES = frozenset({"png", "jpg", "jpeg", "gif", "svg", "webp"})
_FRACTION = re.compile(r"\+\d+\.\d+")
_VERSION = re.compile(r"v?\d+\.\d")
_LONG_RUN = 10
_FEWEST_SEPARATORS = 2
_FEWEST_PHONE_DIGITS = 8
_REST = 97


def whole(text: str) -> int:
    """All of it."""
    return len(text)


def card_in(text: str) -> int:
    """How much of a text is a payment card's number: an issuer's range, its length and the check digit (Luhn)."""
    digits = "".join(c for c in text if c.isdecimal())
    if not _CARDS.fullmatch(digits):
        return 0
    doubled = [int(c) * (1 + position % 2) for position, c in enumerate(reversed(digits))]
    return 0 if sum(one // 10 + one % 10 for one in doubled) % 10 else len(text)


def iban_in(text: str) -> int:
    """How much of the beginning of a text is an account number: its country's length, and 1 modulo 97 (ISO 13616)."""
    wanted = _IBAN_LENGTHS.get(text[:2], 0)
    places = [position for position, c in enumerate(text) if c != " "]
    if not wanted or len(places) < wanted:
        return 0
    end = places[wanted - 1] + 1
    if text[end : end + 1] not in ("", " "):
        return 0
    plain = text[:end].replace(" ", "")
    number = int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4]))
    return end if number % _REST == 1 else 0


def phone_in(text: str) -> int:
    """A number that says so itself: ten digits in one run, or fewer in groups. A decimal fraction is none."""
    if _FRACTION.fullmatch(text):
        return 0
    digits = sum(c.isdecimal() for c in text)
    groups = len(re.findall(r"\d+", text)) - 1
    is_one = digits >= _LONG_RUN or (groups >= _FEWEST_SEPARATORS and digits >= _FEWEST_PHONE_DIGITS)
    return len(text) if is_one else 0


def address_in(text: str) -> int:
    """An e-mail address, and none of what only looks like one: a systemd unit, a Git remote, a version, a file."""
    local, _, domain = text.replace("%40", "@").rpartition("@")
    last = domain.rpartition(".")[2].lower()
    is_other = last in _UNITS or last in _FILES or local.lower() == "git" or _VERSION.match(domain)
    return 0 if is_other else len(text)


def random_in(text: str) -> int:
    """What no word of prose looks like: digits, padding, or capitals inside."""
    has_digit = any(c.isdecimal() or c in "=+/" for c in text)
    return len(text) if has_digit or not (text.islower() or text[1:].islower() or text.isupper()) else 0


def mixed_in(text: str) -> int:
    """What no word and no number looks like: letters and digits in one."""
    return len(text) if any(c.isalpha() for c in text) and any(c.isdecimal() for c in text) else 0
