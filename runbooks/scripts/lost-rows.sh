#!/bin/bash
# Compares a backup with a database, and changes nothing: lost-rows.sh DUMP DATABASE
# Prints a line for each table of the backup: lost or kept, its name, its rows in the backup and in the database (- without
# the table), separated by tabs. The backup is read to its end: each of its rows is a line between COPY and \.
set -euo pipefail
export LC_ALL=C # sort and join agree about the order of names
in_backup() {
  pg_restore --data-only --file=- "$1" | awk '
    !table && /^COPY .* FROM stdin;$/ { table = $0; sub(/^COPY /, "", table); sub(/ +(\(.*\) )?FROM stdin;$/, "", table); rows = 0; next }
    table && $0 == "\\." { print table "\t" rows; table = ""; next }
    table { rows++ }'
}
in_database() {
  psql --no-psqlrc --quiet --tuples-only --no-align --field-separator=$'\t' --set=ON_ERROR_STOP=1 --dbname="$1" <<'SQL'
SELECT format('SELECT %L, count(*) FROM %I.%I', format('%I.%I', schemaname, tablename), schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') \gexec
SQL
}
sorted() { sort --field-separator=$'\t' --key=1,1; }
backup=$(in_backup "$1" | sorted) database=$(in_database "$2" | sorted)
if [ -z "$backup" ]; then
  echo "the backup has no table with rows as COPY has them" >&2
  exit 1
fi
join -t $'\t' -a 1 -e - -o 0,1.2,2.2 <(printf '%s\n' "$backup") <(printf '%s\n' "$database") |
  awk -F '\t' '{ print ($3 == "-" || $3 + 0 < $2 + 0 ? "lost" : "kept") "\t" $0 }'
