#!/bin/bash
# Tells the application on this host the new password of its database role, and restarts it: database-password.sh
# This is how a password file of libpq and pgbouncer are told. Write here how your application is told.
set -euo pipefail
replace() { # FILE: by what comes in, with the same owner and mode
  new=$(mktemp "$1.XXXXXX")
  chown --reference="$1" "$new"
  chmod --reference="$1" "$new"
  cat >"$new"
  mv "$new" "$1"
}
escaped=$(sed 's/[\\:]/\\&/g' <<<"$NEW_PASSWORD") # as https://www.postgresql.org/docs/current/libpq-pgpass.html wants it
printf '*:*:*:%s:%s\n' "$ROLE" "$escaped" | replace "$PASSWORD_FILE"
pooler=
if [ -f /etc/pgbouncer/userlist.txt ]; then
  printf '"%s" "%s"\n' "$ROLE" "${NEW_PASSWORD//\"/\"\"}" | replace /etc/pgbouncer/userlist.txt
  systemctl try-restart pgbouncer & # while the service starts
  pooler=$!
fi
systemctl restart "$UNIT"
[ -z "$pooler" ] || wait "$pooler"
echo "$UNIT has the new password"
