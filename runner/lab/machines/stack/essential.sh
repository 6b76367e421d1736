# Before the packages of the lab's image are configured: sh essential.sh ROOT
set -eu
mkdir -p "$1/etc/postgresql-common"
# The stack makes its cluster itself; its settings go into conf.d.
cat >"$1/etc/postgresql-common/createcluster.conf" <<'END'
create_main_cluster = false
add_include_dir = 'conf.d'
END
