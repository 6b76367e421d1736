#!/bin/bash
# Changes the schema in one transaction, which gives up a lock that it does not get within LOCK_TIMEOUT: migrate.sh FILE
# Meanwhile it ends the sessions that hold it up and have been idle in a transaction for longer than IDLE_FOR; a session
# that works is never ended. Exits with 75 if it has got no lock, so that it can be tried again. ROLE owns the tables.
set -euo pipefail
ask() { psql --no-psqlrc --quiet --tuples-only --no-align --set=ON_ERROR_STOP=1 --set=idle="$IDLE_FOR" --dbname="$DATABASE" "$@"; }
errors=$(mktemp)
trap 'rm --force "$errors"' EXIT
PGAPPNAME=migration PGOPTIONS="-c role=$ROLE -c lock_timeout=$LOCK_TIMEOUT" ask --single-transaction --file="$1" 2>"$errors" &
migration=$!  # as a job it is forgotten once it has ended, which it may have by then
while kill -0 "$migration" 2>/dev/null; do
  ask <<'SQL' | sed --quiet 's/^t|/ended the session of /p' || true
SELECT DISTINCT pg_terminate_backend(held.pid), held.usename || ' with ' || held.application_name
FROM pg_stat_activity waits, unnest(pg_blocking_pids(waits.pid)) AS holder JOIN pg_stat_activity held ON held.pid = holder
WHERE waits.application_name = 'migration' AND held.state = 'idle in transaction' AND now() - held.state_change > :'idle'::interval;
SQL
  sleep 0.2
done
if wait "$migration"; then
  echo "migrated"
elif grep --quiet 'lock timeout' "$errors"; then
  cat "$errors" >&2
  exit 75
else
  cat "$errors" >&2
  exit 1
fi
