"""Every setting the product reads, in one place. Nothing else touches the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_CURRENCY = re.compile(r"[A-Z0-9]{3}")


class SettingMissing(ValueError):
    """A setting without which the app cannot run; the message names it."""


class SettingUnusable(ValueError):
    """A setting that is there but makes no sense; the message names it."""


@dataclass(frozen=True)
class Settings:
    """Read once per process. Keys are for local use; in Azure they stay empty and managed identity is used."""

    storage_connection_string: str | None
    storage_account_name: str | None
    cosmos_endpoint: str
    cosmos_key: str | None
    cosmos_database: str
    entra_authority: str
    entra_audience: str
    entra_ca_file: str | None
    openai_endpoint: str | None
    openai_deployment: str
    openai_api_version: str
    openai_key: str | None
    model_calls_at_once: int
    model_daily_budget: float
    model_price_input: float
    model_price_cached: float
    model_price_output: float
    model_currency: str
    key_vault_key_id: str | None
    wrapped_data_key: str | None
    data_key_file: str | None
    outbound_allow_private: bool
    managed_identity_client_id: str | None
    client_address_header: str | None
    entra_app_id_uri: str
    entra_client_id: str
    entra_client_secret: str | None
    entra_sign_in_directory: str
    public_base_url: str | None
    audit_retention: timedelta
    cors_origins: str
    api_max_body_bytes: int
    api_requests_per_minute: int
    api_requests_at_once: int
    api_failures_per_minute: int
    api_failures_at_once: int
    redact_personal_data: bool

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings; raises SettingMissing with the name of the first one that is not there."""
        env = os.environ if environment is None else environment
        return cls(
            storage_connection_string=env.get("AzureWebJobsStorage") or None,
            storage_account_name=env.get("AzureWebJobsStorage__accountName") or None,
            cosmos_endpoint=_required(env, "COSMOS_ENDPOINT"),
            cosmos_key=env.get("COSMOS_KEY") or None,
            cosmos_database=env.get("COSMOS_DATABASE") or "srecopilot",
            entra_authority=(env.get("ENTRA_AUTHORITY") or "https://login.microsoftonline.com").rstrip("/"),
            entra_audience=_required(env, "ENTRA_AUDIENCE"),
            entra_ca_file=env.get("ENTRA_CA_FILE") or None,
            openai_endpoint=env.get("AZURE_OPENAI_ENDPOINT") or None,
            openai_deployment=env.get("AZURE_OPENAI_DEPLOYMENT") or "",
            openai_api_version=env.get("AZURE_OPENAI_API_VERSION") or "2024-10-21",
            openai_key=env.get("AZURE_OPENAI_API_KEY") or None,
            model_calls_at_once=_positive(env, "MODEL_CALLS_AT_ONCE", 4),
            model_daily_budget=_money(env, "MODEL_DAILY_BUDGET", "5"),
            model_price_input=_money(env, "MODEL_PRICE_INPUT", "2.5"),
            model_price_cached=_money(env, "MODEL_PRICE_CACHED", "1.25"),
            model_price_output=_money(env, "MODEL_PRICE_OUTPUT", "10"),
            model_currency=_currency(env, "MODEL_CURRENCY"),
            key_vault_key_id=env.get("KEY_VAULT_KEY_ID") or None,
            wrapped_data_key=env.get("WRAPPED_DATA_KEY") or None,
            data_key_file=env.get("DATA_KEY_FILE") or None,
            outbound_allow_private=(env.get("OUTBOUND_ALLOW_PRIVATE") or "").lower() == "true",
            managed_identity_client_id=env.get("AZURE_CLIENT_ID") or None,
            client_address_header=env.get("CLIENT_ADDRESS_HEADER") or None,
            entra_app_id_uri=env.get("ENTRA_APP_ID_URI") or f"api://{_required(env, 'ENTRA_AUDIENCE')}",
            entra_client_id=env.get("ENTRA_CLIENT_ID") or _required(env, "ENTRA_AUDIENCE"),
            entra_client_secret=env.get("ENTRA_CLIENT_SECRET") or None,
            entra_sign_in_directory=env.get("ENTRA_SIGN_IN_DIRECTORY") or "organizations",
            public_base_url=(env.get("PUBLIC_BASE_URL") or "").rstrip("/") or None,
            audit_retention=_days(env, "AUDIT_RETENTION_DAYS", default=400, least=30, most=3650),
            cors_origins=env.get("CORS_ORIGINS") or "",
            api_max_body_bytes=_positive(env, "API_MAX_BODY_BYTES", 256 * 1024),
            api_requests_per_minute=_positive(env, "API_REQUESTS_PER_MINUTE", 600),
            api_requests_at_once=_positive(env, "API_REQUESTS_AT_ONCE", 120),
            api_failures_per_minute=_positive(env, "API_FAILURES_PER_MINUTE", 10),
            api_failures_at_once=_positive(env, "API_FAILURES_AT_ONCE", 30),
            # On unless it is switched off in so many letters: a slip of the pen must not end a protection.
            redact_personal_data=(env.get("REDACT_PERSONAL_DATA") or "").lower() != "false",
        )


def _days(env: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> timedelta:
    text = env.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise SettingMissing(f"the setting {name} is not a number of days from {least} to {most}")
    return timedelta(days=int(text))


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        raise SettingMissing(f"the setting {name} is not set")
    return value


def _positive(env: Mapping[str, str], name: str, default: int) -> int:
    value = env.get(name) or str(default)
    if not _WHOLE.fullmatch(value):
        raise SettingUnusable(f"the setting {name} is not a whole number from 1")
    return int(value)


def _money(env: Mapping[str, str], name: str, default: str) -> float:
    value = env.get(name) or default
    if not _MONEY.fullmatch(value):
        raise SettingUnusable(f"the setting {name} is not an amount of money, like 2.50")
    return float(value)


def _currency(env: Mapping[str, str], name: str) -> str:
    value = env.get(name) or "USD"
    if not _CURRENCY.fullmatch(value):
        raise SettingUnusable(f"the setting {name} is not a currency's code, like USD")
    return value
