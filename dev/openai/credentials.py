"""Whether a caller shows what it must: a key, or a token as Entra ID issues them for Azure OpenAI."""

from collections.abc import Mapping
from hmac import compare_digest

import jwt

from dev.openai.script import Auth, Behaviour

AUDIENCES = ("https://cognitiveservices.azure.com", "https://cognitiveservices.azure.com/", "https://ai.azure.com")


def is_good(headers: Mapping[str, str], behaviour: Behaviour) -> bool:
    """Whether the request may pass. The plain client sends keys as bearer tokens, so a key may come either way."""
    key = headers.get("api-key", "")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    match behaviour.auth:
        case Auth.ANY:
            return bool(key or bearer)
        case Auth.KEY:
            shown = key or bearer
            return bool(shown) and (behaviour.key is None or compare_digest(shown, behaviour.key))
        case Auth.ENTRA:
            return _is_token(bearer)


def _is_token(text: str) -> bool:
    try:
        # The simulator has no keys of Entra ID: it looks at what a token says, not at who signed it.
        jwt.decode(
            text,
            options={"verify_signature": False, "verify_exp": True, "verify_aud": True, "require": ["exp", "aud"]},
            audience=AUDIENCES,
        )
    except jwt.InvalidTokenError:
        return False
    return True
