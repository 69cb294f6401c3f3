#!/bin/sh
# Shows a robot to drive in the browser: http://localhost:8080, or another port:  PORT=9000 sh scripts/demo.sh
# shellcheck source=scripts/setup.sh
. "$(dirname -- "$0")/setup.sh"
setup demo || exit 1
cd -- "$RTCBOT_ROOT" || exit 1
exec deno run --no-prompt --allow-net --allow-ffi --allow-env=PORT,HOST scripts/demo.ts "$@"
