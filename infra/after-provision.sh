#!/usr/bin/env sh
# After `azd provision`: say what is left to do by hand, in the order in which it has to be done.
set -eu

if [ -z "${WRAPPED_DATA_KEY:-}" ]; then
  cat <<SAY
infra: the environment has no data key yet. Somebody who may wrap with the vault's key makes one, once:
         KEY_VAULT_KEY_ID=$KEY_VAULT_KEY_ID python -m shared.admin new-data-key
       then: azd env set WRAPPED_DATA_KEY <what it printed> && azd provision
SAY
fi
cat <<SAY
infra: let the app sign people in with its managed identity (no client secret), once:
         ./infra/entra/federate.sh "$ENTRA_AUDIENCE" "$MANAGED_IDENTITY_PRINCIPAL_ID"
SAY
