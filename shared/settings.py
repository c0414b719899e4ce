"""Every setting the product reads, in one place. Nothing else touches the environment."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

_WHOLE = re.compile(r"[1-9][0-9]{0,8}")
_MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_CURRENCY = re.compile(r"[A-Z0-9]{3}")


class SettingMissing(ValueError):
    """A setting without which the app cannot run; the message names it, and all else that is wrong."""


class SettingUnusable(ValueError):
    """A setting that is there but makes no sense; the message names it, and others like it."""


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
    openai_replay_deployments: tuple[str, ...]
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
    application_insights: str | None
    otlp_endpoint: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings; raises SettingMissing or SettingUnusable, naming all that is wrong, not the first."""
        env = os.environ if environment is None else environment
        read = _Reading(env)
        settings = cls(
            storage_connection_string=env.get("AzureWebJobsStorage") or None,
            storage_account_name=env.get("AzureWebJobsStorage__accountName") or None,
            cosmos_endpoint=read.required("COSMOS_ENDPOINT"),
            cosmos_key=env.get("COSMOS_KEY") or None,
            cosmos_database=env.get("COSMOS_DATABASE") or "srecopilot",
            entra_authority=(env.get("ENTRA_AUTHORITY") or "https://login.microsoftonline.com").rstrip("/"),
            entra_audience=read.required("ENTRA_AUDIENCE"),
            entra_ca_file=env.get("ENTRA_CA_FILE") or None,
            openai_endpoint=env.get("AZURE_OPENAI_ENDPOINT") or None,
            openai_deployment=env.get("AZURE_OPENAI_DEPLOYMENT") or "",
            openai_api_version=env.get("AZURE_OPENAI_API_VERSION") or "2024-10-21",
            openai_key=env.get("AZURE_OPENAI_API_KEY") or None,
            openai_replay_deployments=read.names("AZURE_OPENAI_REPLAY_DEPLOYMENTS"),
            model_calls_at_once=read.positive("MODEL_CALLS_AT_ONCE", 4),
            model_daily_budget=read.money("MODEL_DAILY_BUDGET", "5"),
            model_price_input=read.money("MODEL_PRICE_INPUT", "2.5"),
            model_price_cached=read.money("MODEL_PRICE_CACHED", "1.25"),
            model_price_output=read.money("MODEL_PRICE_OUTPUT", "10"),
            model_currency=read.currency("MODEL_CURRENCY"),
            key_vault_key_id=env.get("KEY_VAULT_KEY_ID") or None,
            wrapped_data_key=env.get("WRAPPED_DATA_KEY") or None,
            data_key_file=env.get("DATA_KEY_FILE") or None,
            outbound_allow_private=(env.get("OUTBOUND_ALLOW_PRIVATE") or "").lower() == "true",
            managed_identity_client_id=env.get("AZURE_CLIENT_ID") or None,
            client_address_header=env.get("CLIENT_ADDRESS_HEADER") or None,
            entra_app_id_uri=env.get("ENTRA_APP_ID_URI") or f"api://{read.required('ENTRA_AUDIENCE')}",
            entra_client_id=env.get("ENTRA_CLIENT_ID") or read.required("ENTRA_AUDIENCE"),
            entra_client_secret=env.get("ENTRA_CLIENT_SECRET") or None,
            entra_sign_in_directory=env.get("ENTRA_SIGN_IN_DIRECTORY") or "organizations",
            public_base_url=(env.get("PUBLIC_BASE_URL") or "").rstrip("/") or None,
            audit_retention=read.days("AUDIT_RETENTION_DAYS", default=400, least=30, most=3650),
            cors_origins=env.get("CORS_ORIGINS") or "",
            api_max_body_bytes=read.positive("API_MAX_BODY_BYTES", 256 * 1024),
            api_requests_per_minute=read.positive("API_REQUESTS_PER_MINUTE", 600),
            api_requests_at_once=read.positive("API_REQUESTS_AT_ONCE", 120),
            api_failures_per_minute=read.positive("API_FAILURES_PER_MINUTE", 10),
            api_failures_at_once=read.positive("API_FAILURES_AT_ONCE", 30),
            # On unless it is switched off in so many letters: a slip of the pen must not end a protection.
            redact_personal_data=(env.get("REDACT_PERSONAL_DATA") or "").lower() != "false",
            application_insights=env.get("APPLICATIONINSIGHTS_CONNECTION_STRING") or None,
            otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or None,
        )
        read.require_sound()
        return settings

    def require_complete(self) -> None:
        """Raise SettingMissing or SettingUnusable with all that would stop a process later, at whatever needs it.

        `from_environment` reads each setting by itself; this looks at them together, and at addresses.
        """
        _require(_absent(self), _malformed(self))


class _Reading:
    """Reads one setting after another and remembers what is wrong with each."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._missing: dict[str, None] = {}
        self._unusable: dict[str, None] = {}

    def require_sound(self) -> None:
        """Raise what is wrong, all of it."""
        _require([*self._missing], [*self._unusable])

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in (self._env.get(name) or "").split(",") if part.strip())

    def required(self, name: str) -> str:
        value = self._env.get(name) or ""
        if not value:
            self._missing[f"the setting {name} is not set"] = None
        return value

    def days(self, name: str, *, default: int, least: int, most: int) -> timedelta:
        text = self._env.get(name) or str(default)
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            self._missing[f"the setting {name} is not a number of days from {least} to {most}"] = None
            return timedelta(days=default)
        return timedelta(days=int(text))

    def positive(self, name: str, default: int) -> int:
        return int(self._matching(name, str(default), _WHOLE, "a whole number from 1"))

    def money(self, name: str, default: str) -> float:
        return float(self._matching(name, default, _MONEY, "an amount of money, like 2.50"))

    def currency(self, name: str) -> str:
        return self._matching(name, "USD", _CURRENCY, "a currency's code, like USD")

    def _matching(self, name: str, default: str, shape: re.Pattern[str], what: str) -> str:
        value = self._env.get(name) or default
        if shape.fullmatch(value):
            return value
        self._unusable[f"the setting {name} is not {what}"] = None
        return default


def _require(missing: Sequence[str], unusable: Sequence[str]) -> None:
    if missing:
        raise SettingMissing("; ".join([*missing, *unusable]))
    if unusable:
        raise SettingUnusable("; ".join(unusable))


def _absent(settings: Settings) -> list[str]:
    wrong = []
    if not (settings.storage_connection_string or settings.storage_account_name):
        wrong.append("set AzureWebJobsStorage, or AzureWebJobsStorage__accountName")
    if not ((settings.key_vault_key_id and settings.wrapped_data_key) or settings.data_key_file):
        wrong.append("set KEY_VAULT_KEY_ID and WRAPPED_DATA_KEY, or DATA_KEY_FILE")
    if settings.openai_endpoint and not settings.openai_deployment:
        wrong.append("the setting AZURE_OPENAI_DEPLOYMENT is not set, and AZURE_OPENAI_ENDPOINT is")
    return wrong


def _malformed(settings: Settings) -> list[str]:
    addresses = {
        "COSMOS_ENDPOINT": settings.cosmos_endpoint,
        "ENTRA_AUTHORITY": settings.entra_authority,
        "AZURE_OPENAI_ENDPOINT": settings.openai_endpoint,
        "PUBLIC_BASE_URL": settings.public_base_url,
        "KEY_VAULT_KEY_ID": settings.key_vault_key_id,
        "OTEL_EXPORTER_OTLP_ENDPOINT": settings.otlp_endpoint,
    }
    return [f"the setting {name} is not a URL" for name, value in addresses.items() if value and not _is_url(value)]


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
