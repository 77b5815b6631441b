#!/usr/bin/env bash
# Puts emblazon on the path of the steps that follow: the binary that is named, the release of that digest, the one that is
# on the path, or else what it builds from the action's own commit.
set -euo pipefail

use() {
  "$1/emblazon" --version
  echo "$1" >> "$GITHUB_PATH"
}

# The action's folder lies in a checkout of the whole project at the commit that the workflow names.
project=$GITHUB_ACTION_PATH/../../..

if [ -n "${BINARY:-}" ]; then
  "$BINARY" --version
  cd "$(dirname "$BINARY")"
  pwd >> "$GITHUB_PATH"
elif [ -n "${DIGEST:-}" ]; then
  case $RUNNER_OS-$RUNNER_ARCH in
    Linux-X64) target=x86_64-unknown-linux-musl ;;
    Linux-ARM64) target=aarch64-unknown-linux-musl ;;
    macOS-X64) target=x86_64-apple-darwin ;;
    macOS-ARM64) target=aarch64-apple-darwin ;;
    *)
      echo "::error::there is no release for $RUNNER_OS on $RUNNER_ARCH: leave out \`digest\`, and it is built"
      exit 1
      ;;
  esac
  version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$project/Cargo.toml" | head -n 1)
  name=emblazon-$version-$target
  folder=$RUNNER_TEMP/emblazon-$DIGEST
  if [ ! -x "$folder/$name/emblazon" ]; then
    mkdir -p "$folder"
    url=$GITHUB_SERVER_URL/$GITHUB_ACTION_REPOSITORY/releases/download/v$version/$name.tar.gz
    curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$folder/archive" "$url"
    if command -v sha256sum >/dev/null; then
      found=$(sha256sum < "$folder/archive")
    else
      found=$(shasum --algorithm 256 < "$folder/archive")
    fi
    found=${found%% *}
    if [ "$found" != "$DIGEST" ]; then
      rm "$folder/archive"
      echo "::error::$url has the digest $found, and not $DIGEST: compare with SHA256SUMS of the release v$version"
      exit 1
    fi
    tar --extract --gzip --file "$folder/archive" --directory "$folder"
  fi
  use "$folder/$name"
elif command -v emblazon >/dev/null; then
  emblazon --version
else
  if [[ ${GITHUB_ACTION_REF:-} =~ ^[0-9a-f]{40}$ ]]; then
    export EMBLAZON_COMMIT=$GITHUB_ACTION_REF
  fi
  cargo install --locked --quiet --path "$project" --root "$RUNNER_TEMP/emblazon"
  use "$RUNNER_TEMP/emblazon/bin"
fi
