#!/bin/bash
# The critical flows of the shop, each asked for real: smoke-test.sh URL
url=${1:?the URL of the application}
passed=0 failed=0
for path in /health /orders /metrics; do
  # --fail: curl is green on a 500 otherwise, and on an unreachable server a pipe would be
  if curl --silent --show-error --fail --max-time 10 --output /dev/null "$url$path"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "failed: $path" >&2
  fi
done
echo "smoke tests: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
