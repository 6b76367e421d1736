#!/bin/bash
# Compares each row of a backup with those of a database, and changes nothing: same-rows.sh DUMP DATABASE
# Prints a line for each table of the backup: same or differs, and its name, separated by a tab. Rows are compared as COPY
# writes them, in whatever order they are, by the sum of all of them: sort puts on disk what memory does not hold.
set -euo pipefail
export LC_ALL=C # sort goes by bytes
sums() { # a line for each table: the command that pg_restore fills it by, a tab, and the sum of its rows
  pg_restore --data-only --file=- "$1" | awk -v summed='sort | sha256sum' '
    !table && /^COPY .* FROM stdin;$/ { table = $0; printf "%s\t", table; fflush(); printf "" | summed; next }
    table && $0 == "\\." { close(summed); table = ""; next }
    table { print | summed }'
}
backup=$(sums "$1")
if [ -z "$backup" ]; then
  echo "the backup has no table with rows as COPY has them" >&2
  exit 1
fi
while IFS=$'\t' read -r copy sum; do
  now=$(psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --dbname="$2" --command="${copy% FROM stdin;} TO STDOUT" | sort | sha256sum) || now=none
  table=${copy#COPY }
  [ "$now" = "$sum" ] && verdict=same || verdict=differs
  printf '%s\t%s\n' "$verdict" "${table%% (*}"
done <<<"$backup"
