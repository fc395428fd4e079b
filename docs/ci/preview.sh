#!/usr/bin/env bash
# Previews what a proposed change would do, and keeps the report. Any CI can run it, from a checkout with `make setup` done.
#
#   HEAD        commit or branch that is proposed            (must be set)
#   BASE        what it is proposed for                      (main)
#   FAIL_ON     what makes it fail, see docs/ci.md           (error)
#   STATIC      1: read only, no program runs, no credentials
#   COMMENT     1: also as a comment on the pull request (GITHUB_TOKEN)
#   REPORT_DIR  where the report is kept                     (preview-report)
#   INFRA       the command                                  (.venv/bin/infra)
#
# Arguments go to `infra preview`: --project network, --fleet fleet.yaml.
# Its exit code is that of `infra preview`.
set -euo pipefail

: "${HEAD:?HEAD is the commit or branch to preview}"
BASE=${BASE:-main}
FAIL_ON=${FAIL_ON:-error}
REPORT_DIR=${REPORT_DIR:-preview-report}
INFRA=${INFRA:-.venv/bin/infra}

# A name that begins with a dash would be an option.
for name in "$HEAD" "$BASE"; do
  case $name in
    -*) echo "preview.sh: $name is no commit and no branch" >&2; exit 2 ;;
  esac
done

options=()
if [[ ${STATIC:-} == 1 ]]; then options+=(--static); fi
if [[ ${COMMENT:-} == 1 ]]; then options+=(--comment); fi

mkdir -p "$REPORT_DIR"
report=$REPORT_DIR/preview.md
rm -f "$report"

code=0
"$INFRA" preview --environments "$HEAD" --programs "$HEAD" --base "$BASE" --format md --output "$report" --fail-on "$FAIL_ON" \
  ${options[@]+"${options[@]}"} "$@" || code=$?

# GitHub takes no summary of more than 1 MiB, and then shows none at all.
if [[ -n ${GITHUB_STEP_SUMMARY:-} && -f $report ]]; then
  if (( $(wc -c < "$report") < 1000000 )); then
    cat "$report" >> "$GITHUB_STEP_SUMMARY"
  else
    echo "The report is too long to be shown here: it is among the run's artifacts." >> "$GITHUB_STEP_SUMMARY"
  fi
fi
exit "$code"
