#!/usr/bin/env bash
# Runs emblazon, shows what it says, and tells the steps that follow where its reports are.
set -euo pipefail

case "$COMMAND" in
  validate | plan | apply | drift) ;;
  *)
    echo "::error::command must be validate, plan, apply or drift"
    exit 64
    ;;
esac

mkdir -p "$REPORTS"
rm -f "$REPORTS"/report.* "$REPORTS/annotations.txt"

arguments=()
if [ -n "$CLUSTER" ] && [ "$COMMAND" != validate ]; then
  arguments+=("--cluster=$CLUSTER")
fi
if [ "$RECORDED" = true ]; then
  arguments+=(--recorded)
fi
if [ "$COMMAND" = apply ]; then
  arguments+=(--yes)
  if [ -n "$EXPECT" ]; then
    arguments+=("--expect=$EXPECT")
  fi
fi
if [ "$TOUCHED" = true ]; then
  # What was applied last is a ref that a usual fetch leaves out. Before the first apply there is none.
  git -C "$TREE" fetch --quiet origin '+refs/emblazon/*:refs/emblazon/*'
  refs=$(git -C "$TREE" for-each-ref --format='%(refname)' "refs/emblazon/${CLUSTER:-*}/applied")
  if [ -n "$refs" ] && [ "$(wc -l <<< "$refs")" -eq 1 ]; then
    arguments+=("--changed-since=$refs")
  fi
fi
while IFS= read -r argument; do
  if [ -n "$argument" ]; then
    arguments+=("$argument")
  fi
done <<< "$ARGUMENTS"

# A report can hold any text that somebody typed into the platform, also one that looks like a command to the runner.
# Between these lines the runner listens to nothing but a word that nobody can guess.
word=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$word"
code=0
emblazon "$COMMAND" "${arguments[@]}" --color=never \
  --output="json=$REPORTS/report.json" \
  --output="markdown=$REPORTS/report.md" \
  --output="html=$REPORTS/report.html" \
  --output="sarif=$REPORTS/report.sarif" \
  --output="junit=$REPORTS/report.xml" \
  --output="github=$REPORTS/annotations.txt" \
  "$TREE" || code=$?
echo
echo "::$word::"

# Annotations are commands, and made to be: each is one line, with what it quotes escaped.
if [ -e "$REPORTS/annotations.txt" ]; then
  cat "$REPORTS/annotations.txt"
fi

state='' digest=''
if [ -e "$REPORTS/report.md" ]; then
  # <!-- emblazon COMMAND CLUSTER STATE DIGEST -->
  read -r _ _ _ _ state digest _ < "$REPORTS/report.md"
  digest=${digest#-->}
  # A summary may have a mebibyte, which a comment never has.
  cat "$REPORTS/report.md" >> "$GITHUB_STEP_SUMMARY"
fi

{
  echo "exit-code=$code"
  echo "state=$state"
  echo "digest=$digest"
  echo "reports=$REPORTS"
  for report in markdown:md html:html sarif:sarif junit:xml json:json; do
    file="$REPORTS/report.${report#*:}"
    if [ -e "$file" ]; then
      echo "${report%:*}=$file"
    fi
  done
} >> "$GITHUB_OUTPUT"

for accepted in $ACCEPT; do
  if [ "$accepted" = "$code" ]; then
    exit 0
  fi
done
if [ "$code" -ne 0 ]; then
  exit "$code"
fi
echo '::error::emblazon ended with 0, which is not among the accepted exit codes'
exit 1
