#!/usr/bin/env sh
# After `azd deploy`: an app whose import fails deploys no function and calls that a success, so they are counted.
set -eu

expected=$(grep -c '^| `' docs/functions.md)
found=0
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
  found=$(az functionapp function list --resource-group "$AZURE_RESOURCE_GROUP" --name "$FUNCTION_APP_NAME" --query 'length(@)' --output tsv || echo 0)
  [ "$found" = "$expected" ] && break
  sleep 10
done
if [ "$found" != "$expected" ]; then
  echo "smoke test: $found functions are deployed, $expected were expected; see the log stream for the import error" >&2
  exit 1
fi
answer=$(curl --silent --show-error --output /dev/null --write-out '%{http_code}' --max-time 60 "$PUBLIC_BASE_URL/api/health/ready")
if [ "$answer" = 200 ]; then
  echo "smoke test: $found functions, ready"
elif [ -z "${WRAPPED_DATA_KEY:-}" ]; then
  echo "smoke test: $found functions; not ready ($answer), as there is no data key yet (docs/azure.md, step 4)"
else
  echo "smoke test: $PUBLIC_BASE_URL/api/health/ready answered $answer; its details say which dependency" >&2
  exit 1
fi
