"""The kinds of secrets and personal data that are masked, and the masks."""

from collections import Counter
from enum import StrEnum
from typing import TypeAlias


class Kind(StrEnum):
    """What was masked. The personal ones may be left alone by a setting, the others never."""

    PRIVATE_KEY = "private_key"
    URL_CREDENTIALS = "url_credentials"
    WEBHOOK_URL = "webhook_url"
    JWT = "jwt"
    AUTHORIZATION = "authorization"
    COOKIE = "cookie"
    AZURE_KEY = "azure_key"
    AZURE_SAS = "azure_sas"
    AWS_KEY = "aws_key"
    GITHUB_TOKEN = "github_token"  # noqa: S105 -- the name of a kind
    GITLAB_TOKEN = "gitlab_token"  # noqa: S105 -- the name of a kind
    SLACK_TOKEN = "slack_token"  # noqa: S105 -- the name of a kind
    GOOGLE_KEY = "google_key"
    GRAFANA_TOKEN = "grafana_token"  # noqa: S105 -- the name of a kind
    VENDOR_TOKEN = "vendor_token"  # noqa: S105 -- the name of a kind
    PASSWORD_FLAG = "password_flag"  # noqa: S105 -- the name of a kind
    SECRET_VALUE = "secret_value"  # noqa: S105 -- the name of a kind
    EMAIL = "email"
    PAYMENT_CARD = "payment_card"
    IBAN = "iban"
    PHONE = "phone"
    US_SSN = "us_ssn"

    @property
    def mask(self) -> str:
        """What stands in its place; the same for every secret of the kind, so it tells nothing of it."""
        return f"{MASKED}:{self.value}]"

    @property
    def is_personal(self) -> bool:
        """Whether it is about a person, and no key to anything."""
        return self in _PERSONAL


MASKED = "[redacted"
"""How every mask begins."""

_PERSONAL = frozenset({Kind.EMAIL, Kind.PAYMENT_CARD, Kind.IBAN, Kind.PHONE, Kind.US_SSN})

Tally: TypeAlias = Counter[Kind]
"""How many of each kind were masked."""
