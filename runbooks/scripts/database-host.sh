#!/bin/bash
# Tells the application on this host which database it uses, and restarts it: database-host.sh HOST|default
# This is how a unit of systemd is told, by an environment variable of libpq. Write here how your application is told.
set -euo pipefail
file=/etc/systemd/system/$UNIT.service.d/database.conf
if [ "$1" = default ]; then
  rm --force "$file"
else
  mkdir --parents "${file%/*}"
  printf '[Service]\nEnvironment=PGHOST=%s\n' "$1" >"$file"
fi
systemctl daemon-reload
systemctl restart "$UNIT"
echo "the database of $UNIT is $1"
