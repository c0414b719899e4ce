#!/usr/bin/env bash
# What is known to be wrong with the packages we use (`audit`), which of them ship (`sbom`), what is wrong with infra/
# as far as that shows without Azure (`infra`), and with the documents' diagrams (`diagrams`). The tools live in environments of their own, so that nothing
# of theirs is among what is audited.
set -euo pipefail
cd "$(dirname "$0")/../.."

TOOLS=dev/supply/requirements-supply.txt

fail() { echo "$1: $2" >&2; exit 1; }

tools() {
  local wanted
  wanted=$(cksum < "$TOOLS")
  if [ "$(cat .venv-audit/.installed 2>/dev/null)" != "$wanted" ]; then
    rm -rf .venv-audit
    .venv/bin/python -m venv --without-pip .venv-audit
    .venv/bin/python -m pip --python .venv-audit/bin/python install -q --disable-pip-version-check --no-deps -r "$TOOLS" \
      || fail "$1" "pip could not install the tools (see above)"
    echo "$wanted" > .venv-audit/.installed
  fi
}

audit() {
  tools audit
  # Strict: a package that the service does not know, or a service that cannot be reached, is a failure and no pass.
  .venv-audit/bin/pip-audit --strict --no-deps --disable-pip --progress-spinner off -r requirements.txt -r constraints.txt \
    || fail audit "something is wrong with a package, or not every package could be looked up (see above); this is no pass"
}

sbom() {
  tools sbom
  rm -rf .venv-ship && .venv/bin/python -m venv --without-pip .venv-ship
  .venv/bin/python -m pip --python .venv-ship/bin/python install -q --disable-pip-version-check -r requirements.txt -c constraints.txt \
    || fail sbom "pip could not install what ships (see above)"
  mkdir -p dist
  .venv-audit/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
    --spec-version 1.6 --output-format JSON --output-file dist/sbom.cdx.json .venv-ship/bin/python
  rm -rf .venv-ship
  echo "dist/sbom.cdx.json lists $(grep -c '"purl"' dist/sbom.cdx.json) packages"
}

infra() {
  local wanted
  wanted=$(cksum < dev/supply/requirements-infra.txt)
  if [ "$(cat .venv-infra/.installed 2>/dev/null)" != "$wanted" ]; then
    rm -rf .venv-infra
    .venv/bin/python -m venv --without-pip .venv-infra
    .venv/bin/python -m pip --python .venv-infra/bin/python install -q --disable-pip-version-check --no-deps \
      -r dev/supply/requirements-infra.txt || fail infra "pip could not install the parsers (see above)"
    echo "$wanted" > .venv-infra/.installed
  fi
  .venv-infra/bin/python dev/supply/check_infra.py
  .venv-infra/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
  .venv-infra/bin/zizmor --quiet --offline .github/workflows
  echo "infra: the workflows are what GitHub understands, with pinned actions and no stored secret"
  .venv-infra/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
  .venv-infra/bin/hadolint Dockerfile
  echo "infra: compose.yaml is what Compose understands, and hadolint has nothing to say about the Dockerfile"
}

diagrams() {
  local folder=dev/supply/diagrams wanted
  wanted=$(cksum < "$folder/package-lock.json")
  if [ "$(cat "$folder/node_modules/.installed" 2>/dev/null)" != "$wanted" ]; then
    npm ci --silent --ignore-scripts --prefix "$folder" || fail diagrams "npm could not install mermaid (see above)"
    echo "$wanted" > "$folder/node_modules/.installed"
  fi
  node "$folder/check.mjs" README.md docs/*.md docs/decisions/*.md
}

case "${1:-}" in
  audit) audit ;;
  sbom) sbom ;;
  infra) infra ;;
  diagrams) diagrams ;;
  *) fail supply "say audit, sbom, infra or diagrams" ;;
esac
