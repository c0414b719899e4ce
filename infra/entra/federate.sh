#!/usr/bin/env sh
# Let the managed identity stand for the app registration when people sign in: a federated credential, no client secret.
# Usage: federate.sh APP_ID MANAGED_IDENTITY_PRINCIPAL_ID        can be run again
set -eu

[ $# = 2 ] || { echo "usage: federate.sh APP_ID MANAGED_IDENTITY_PRINCIPAL_ID" >&2; exit 2; }
directory=$(az account show --query tenantId --output tsv)
issuer="https://login.microsoftonline.com/$directory/v2.0"

if az ad app federated-credential list --id "$1" --query "[?subject=='$2'].name" --output tsv | grep -q .; then
  echo "federate: it is there already"
  exit 0
fi
az ad app federated-credential create --id "$1" --output none --parameters "{
  \"name\": \"managed-identity\",
  \"issuer\": \"$issuer\",
  \"subject\": \"$2\",
  \"audiences\": [\"api://AzureADTokenExchange\"]
}"
echo "federate: done"
