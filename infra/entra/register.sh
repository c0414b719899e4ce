#!/usr/bin/env sh
# Register the API and its web app in Entra ID: one registration with a scope, app roles and redirects. Can be run again.
# Usage: register.sh NAME PUBLIC_BASE_URL        needs the Azure CLI and the right to register applications
set -eu
cd "$(dirname "$0")"

[ $# = 2 ] || { echo "usage: register.sh NAME PUBLIC_BASE_URL" >&2; exit 2; }
name=$1
address=${2%/}
case "$address" in
  https://?*) ;;
  *) echo "register: PUBLIC_BASE_URL must begin with https://" >&2; exit 2 ;;
esac

graph="https://graph.microsoft.com/v1.0/applications"
app_id=$(az ad app list --display-name "$name" --query '[0].appId' --output tsv)
if [ -z "$app_id" ]; then
  # Of many directories: every tenant of the product signs in from its own.
  app_id=$(az ad app create --display-name "$name" --sign-in-audience AzureADMultipleOrgs --query appId --output tsv)
fi
object_id=$(az ad app show --id "$app_id" --query id --output tsv)

sed -e "s|@APP_ID@|$app_id|g" -e "s|@ADDRESS@|$address|g" application.json > "${TMPDIR:-/tmp}/srecopilot-application.$$"
az rest --method PATCH --uri "$graph/$object_id" --headers Content-Type=application/json \
  --body "@${TMPDIR:-/tmp}/srecopilot-application.$$"
rm -f "${TMPDIR:-/tmp}/srecopilot-application.$$"

# The app roles can be given to people of this directory once the application has a service principal here.
az ad sp show --id "$app_id" --output none 2>/dev/null || az ad sp create --id "$app_id" --output none
echo "register: done. azd env set ENTRA_AUDIENCE $app_id"
