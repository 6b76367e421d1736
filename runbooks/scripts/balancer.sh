#!/bin/bash
# Puts a server into the load balancer, or takes it out and waits for whoever is served there: balancer.sh in|out SERVER
# `drop` takes it out and waits for nobody: a server that hangs serves nobody any more.
# This is how nginx is told, which has a file for each server: upstream shop { include /etc/nginx/upstreams/shop/*.conf; }
# ENTRY is the server's file and PID the file with nginx's process id. Write here how your load balancer is told.
set -euo pipefail
case $1 in
  in) line="server $2;" ;;
  out | drop)
    line="server $2 down;"
    others=$(grep --files-without-match ' down;' "${ENTRY%/*}"/*.conf | grep --count --line-regexp --fixed-strings --invert-match "$ENTRY" || true)
    if [ "$others" -eq 0 ]; then
      echo "no other server would be left" >&2
      exit 1
    fi
    ;;
  *) exit 64 ;;
esac
workers() { pgrep --parent "$(cat "$PID")" --full 'worker process$' || true; } # without those that shut down
before=$(workers)
printf '%s\n' "$line" >"$ENTRY.new"
mv "$ENTRY.new" "$ENTRY"
kill -HUP "$(cat "$PID")"
if [ "$1" = out ]; then
  left=connections
  while [ -n "$left" ]; do
    sleep 0.5
    left=
    if [ -n "$before" ]; then # one that works with the list of before may still send somebody there
      left=$(workers | grep --line-regexp --fixed-strings "$before" || true)
    fi
    left+=$(ss --no-header --tcp --numeric state established dst "$2")
  done
fi
echo "$2 is $1"
