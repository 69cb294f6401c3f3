#!/bin/sh
# Runs every test and ends with Deno's summary. Arguments go to `deno test`:  sh scripts/test.sh --filter Queue
# shellcheck source=scripts/setup.sh
. "$(dirname -- "$0")/setup.sh"
setup test || exit 1
cd -- "$RTCBOT_ROOT" || exit 1
exec deno test --no-prompt --allow-all "$@"
