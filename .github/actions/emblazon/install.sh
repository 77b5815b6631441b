#!/usr/bin/env bash
# Puts emblazon on the path of the steps that follow.
set -euo pipefail

if [ -n "${BINARY:-}" ]; then
  folder=$(cd "$(dirname "$BINARY")" && pwd)
  "$BINARY" --version
  echo "$folder" >> "$GITHUB_PATH"
  exit 0
fi
if command -v emblazon >/dev/null; then
  emblazon --version
  exit 0
fi
# The action's folder lies in a checkout of the whole project at the commit that the workflow names.
cargo install --locked --quiet --path "$GITHUB_ACTION_PATH/../../.." --root "$RUNNER_TEMP/emblazon"
"$RUNNER_TEMP/emblazon/bin/emblazon" --version
echo "$RUNNER_TEMP/emblazon/bin" >> "$GITHUB_PATH"
