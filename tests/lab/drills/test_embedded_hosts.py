"""The hosts of the embedded backend have what a drill needs of a lab's, and nothing of them is left."""

import subprocess

import pytest

from runner.lab.drills.embedded_hosts import embedded_hosts


@pytest.mark.live
def test_its_hosts_have_a_replica_backups_and_the_programs_of_the_database(wheel, sshd, directory, none_left):
    def on(variables, command):
        way = ["ssh", "-o", "BatchMode=yes", "-i", variables["ansible_ssh_private_key_file"]]
        way += [*variables["ansible_ssh_common_args"].split(), "-p", str(variables["ansible_port"])]
        address = f"{variables['ansible_user']}@{variables['ansible_host']}"
        done = subprocess.run([*way, address, command], capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout + done.stderr).strip()

    with embedded_hosts(directory) as inventory:
        primary, replica = (
            inventory[group]["hosts"][name] for group, name in (("db_primary", "db1"), ("db_replica", "db2"))
        )
        service = primary["database_service"]

        # It is copied, and the tables are those of a lab
        assert on(primary, 'psql -XAtc "SELECT application_name, state FROM pg_stat_replication"') == (
            0,
            "db2|streaming",
        )
        asked = "SELECT count(*), pg_is_in_recovery() FROM orders WHERE customer < 1000"
        assert [on(host, f'psql -XAtd shop -c "{asked}"') for host in (primary, replica)] == [
            (0, "20000|f"),
            (0, "20000|t"),
        ]
        assert on(
            inventory["app"]["hosts"]["app1"], 'psql -XAtc "SELECT current_user" "user=migrator dbname=shop"'
        ) == (0, "migrator")
        # It has a backup, and is a unit that is stopped and started as one
        assert on(primary, f"pg_restore --file=/dev/null {primary['backup_directory']}/shop-latest.dump") == (0, "")
        assert on(primary, f"systemctl stop {service}; systemctl is-active {service}") == (3, "inactive")
        assert on(primary, f"systemctl restart {service}; until pg_isready -q; do sleep 0.1; done") == (0, "")

    assert none_left(directory)
