#!/bin/bash
# Restores a backup into another database beside the damaged one, with the same owner: restore-beside.sh DUMP DATABASE BESIDE
set -euo pipefail
dump=$1 database=$2 beside=$3
owner=$(psql --no-psqlrc --tuples-only --no-align --dbname="$database" --command='SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()')
dropdb --if-exists "$beside"
createdb --owner="$owner" --template=template0 "$beside"
pg_restore --exit-on-error --jobs=2 --dbname="$beside" "$dump"
