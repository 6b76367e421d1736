#!/bin/bash
# Restores a backup into another database beside the damaged one, and counts the rows of each table in both:
# restore-beside.sh DUMP DATABASE BESIDE
# Prints a line for each table: lost or kept, its name, the rows of the backup, the rows of the database (- without the table).
set -euo pipefail
dump=$1 database=$2 beside=$3
count() {
  psql --no-psqlrc --quiet --tuples-only --no-align --field-separator=' ' --set=ON_ERROR_STOP=1 --dbname="$1" <<'SQL' | sort
SELECT format('SELECT %L, count(*) FROM %I.%I', schemaname || '.' || tablename, schemaname, tablename)
FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema') \gexec
SQL
}
owner=$(psql --no-psqlrc --tuples-only --no-align --dbname="$database" --command='SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()')
dropdb --if-exists "$beside"
createdb --owner="$owner" --template=template0 "$beside"
pg_restore --exit-on-error --jobs=2 --dbname="$beside" "$dump"
join -a 1 -e - -o 0,1.2,2.2 <(count "$beside") <(count "$database") | while read -r table restored now; do
  state=kept
  if [ "$now" = - ] || [ "$now" -lt "$restored" ]; then state=lost; fi
  echo "$state $table $restored $now"
done
