#!/usr/bin/env bash
# Prepares a fresh machine for `make demo` and `make test`; what is there already is left alone. One clear sentence
# and a non-zero exit when something is missing that cannot be installed here.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "setup: $1" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else fail "root or sudo is needed to install Debian packages ($*)"; fi; }
apt_install() {
  command -v apt-get >/dev/null || fail "$* must be installed by hand: this system has no apt-get"
  as_root apt-get update -qq
  # The packages' services must not start: the stack runs its own processes on its own ports.
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

find_python() {
  for candidate in python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$candidate"; return; fi
  done
  fail "Python 3.11 or newer is not on PATH"
}

needs=()
case "$(uname -s)" in
  Darwin)
    for program in prometheus alertmanager; do command -v "$program" >/dev/null || needs+=("$program"); done
    [ ${#needs[@]} = 0 ] || fail "install with: brew install ${needs[*]}"
    ;;
  *)
    command -v prometheus >/dev/null || needs+=(prometheus)
    command -v prometheus-alertmanager >/dev/null || command -v alertmanager >/dev/null || needs+=(prometheus-alertmanager)
    [ ${#needs[@]} = 0 ] || { echo "installing ${needs[*]}"; apt_install "${needs[@]}"; }
    ;;
esac

command -v node >/dev/null || fail "Node 20 or newer is not on PATH"
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || fail "Node 20 or newer is needed, this is $(node --version)"
command -v npm >/dev/null || fail "npm is not on PATH; it comes with Node 20"

python=$(find_python)
wanted=$(cat requirements.txt requirements-dev.txt constraints.txt | cksum)
if [ ! -x .venv/bin/python ] || [ "$(cat .venv/.installed 2>/dev/null)" != "$wanted" ]; then
  echo "installing Python packages"
  if ! "$python" -m venv .venv 2>/dev/null; then
    # Debian and Ubuntu ship venv in a package of its own.
    rm -rf .venv
    apt_install "$(basename "$("$python" -c 'import sys; print(f"python{sys.version_info[0]}.{sys.version_info[1]}")')")-venv"
    "$python" -m venv .venv || fail "$python cannot create a virtual environment"
  fi
  .venv/bin/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt -c constraints.txt \
    || fail "pip could not install the Python packages (see above)"
  echo "$wanted" > .venv/.installed
fi

wanted=$(cksum < dev/worker/requirements-worker.txt)
if [ ! -d .local/worker/azure_functions_runtime ] || [ "$(cat .local/worker/.installed 2>/dev/null)" != "$wanted" ]; then
  echo "installing the Azure Functions worker library"
  # A folder of its own, so that its packages never mix with the product's. It declares Python 3.13, where Azure serves
  # it, but runs on 3.11. Built beside and moved: pip --target leaves an older version's files in place.
  rm -rf .local/worker .local/worker.new
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --ignore-requires-python --only-binary :all: \
    --target .local/worker.new -r dev/worker/requirements-worker.txt \
    || fail "pip could not install the Azure Functions worker library (see above)"
  echo "$wanted" > .local/worker.new/.installed
  mv .local/worker.new .local/worker
fi

wanted=$(cksum < package-lock.json)
if [ ! -f node_modules/azurite/package.json ] || [ "$(cat node_modules/.installed 2>/dev/null)" != "$wanted" ]; then
  echo "installing Azurite"
  npm ci --silent --ignore-scripts || fail "npm could not install Azurite (see above)"
  echo "$wanted" > node_modules/.installed
fi
