#!/usr/bin/env sh
# Before `azd provision`: name everything that is missing at once, and fix what may be chosen only once.
set -eu

missing=""
for name in AZURE_ENV_NAME AZURE_LOCATION ENTRA_AUDIENCE; do
  eval "value=\${$name:-}"
  [ -n "$value" ] || missing="$missing $name"
done
if [ -n "$missing" ]; then
  echo "infra: not set:$missing" >&2
  echo "infra: ENTRA_AUDIENCE comes from ./infra/entra/register.sh; then: azd env set ENTRA_AUDIENCE <client id>" >&2
  exit 1
fi

# Azure takes no other start of a budget once it exists, so it is remembered with the environment.
if [ -z "${COPILOT_BUDGET_FROM:-}" ]; then
  azd env set COPILOT_BUDGET_FROM "$(date -u +%Y-%m-01)"
fi
