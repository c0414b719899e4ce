"""The one thing that an installation may decide: whether personal data is masked, too."""

from shared.redaction.labels import is_ordinary
from shared.redaction.links import is_clean_link
from shared.redaction.text import use_rules


def mask_personal_data(wanted: bool) -> None:
    """Whether personal data is masked in this process: it is until somebody says otherwise. Secrets always are."""
    use_rules(personal=wanted)
    is_ordinary.cache_clear()
    is_clean_link.cache_clear()
