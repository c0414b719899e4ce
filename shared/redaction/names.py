"""What the name of a label or a field says of its value, whatever that looks like."""

import re
from functools import lru_cache

from shared.redaction.kinds import Kind

MAX_NAME_CHARS = 256
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")
_ENDINGS = ("password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "credential", "credentials")
_SECRET_WORDS = frozenset({"pwd", "authorization", "authorisation", "cookie", "jwt", "phpsessid"})
_KEYS = frozenset(
    {"api", "access", "account", "private", "secret", "signing", "encryption", "master", "shared", "auth"}
    | {"subscription", "function"}
)
_PERSONAL = {
    "email": Kind.EMAIL,
    "phone": Kind.PHONE,
    "msisdn": Kind.PHONE,
    "ssn": Kind.US_SSN,
    "iban": Kind.IBAN,
    "phone number": Kind.PHONE,
    "mobile number": Kind.PHONE,
    "card number": Kind.PAYMENT_CARD,
    "email address": Kind.EMAIL,
}


@lru_cache(maxsize=4096)
def kind_of_name(name: str) -> Kind | None:
    """The kind of what is called so; None for ordinary names.

    The last word decides, so that `token_bucket_size` or `secret_name` are ordinary and `db_password` is not.
    """
    words = [word.lower() for word in _WORDS.findall(name[:MAX_NAME_CHARS])]
    if not words:
        return None
    last, pair = words[-1], " ".join(words[-2:])
    if last.endswith(_ENDINGS) or last in _SECRET_WORDS or pair in ("session id", "sas url"):
        return Kind.SECRET_VALUE
    if last == "key" and len(words) > 1 and words[-2] in _KEYS:
        return Kind.SECRET_VALUE
    return _PERSONAL.get(last) or _PERSONAL.get(pair)
