"""What destroys is told by the words of the programs that people use, and what only changes or looks is not."""

from __future__ import annotations

from datetime import date

import pytest
import yaml
from harness.fakes import runbook_file

from runner.library.library import Library
from runner.lint.lint_context import LintContext
from runner.lint.rules.effects import destruction

DESTROYS = [
    "command: psql -c 'DROP TABLE orders'",
    'shell: psql shop -c "TRUNCATE sessions"',
    "shell: mysql shop -e 'DELETE FROM carts'",
    "command: oc delete pod api-0",
    "command: gcloud compute instances delete web-1 --quiet",
    "command: az vm delete --name web-1 --yes",
    "command: aws ec2 terminate-instances --instance-ids i-0123",
    "command: aws rds delete-db-instance --db-instance-identifier shop",
    "command: aws s3 rm s3://bucket/x --recursive",
    "command: docker volume rm data",
    "command: docker system prune --all --force",
    "shell: mongosh shop --eval 'db.dropDatabase()'",
    "sql: ALTER TABLE orders DROP COLUMN note",
    "sql: UPDATE users SET active = false",
    "command: kafka-topics.sh --bootstrap-server b:9092 --delete --topic orders",
    "command: curl --fail -X DELETE http://127.0.0.1/index/orders",
    "http: {url: 'http://127.0.0.1/index/orders', method: DELETE}",
    "command: etcdctl del /config --prefix",
    "command: rabbitmqctl purge_queue orders",
    "command: vault kv delete secret/app",
    "command: helm uninstall shop",
    "command: kubectl drain node-1 --force",
    "command: rsync -a --delete /a/ /b/",
    "shell: '> /var/log/app.log'",
    "shell: ': > /var/log/app.log'",
    "command: cp /dev/null /var/log/app.log",
    "command: lvremove -f vg0/data",
    "command: reboot",
    "command: systemctl reboot",
    "command: shutdown -r now",
    "command: kill -9 4242",
    "command: pkill -f worker",
    "command: killall worker",
    "command: git push --force origin main",
    "command: git clean -fdx",
    "command: git branch -D x",
    "command: dropdb shop",
    "command: redis-cli FLUSHALL",
    "command: redis-cli del cart:1",
    "command: terraform destroy -auto-approve",
    "command: terraform apply -destroy -auto-approve",
    "command: rm -rf /srv/old",
    "command: rm /srv/data/x",
    "command: unlink /srv/data/x",
    "command: find /srv -mtime +7 -delete",
    "shell: find /srv -mtime +7 -exec rm {} +",
    "shell: find /srv -mtime +7 | xargs rm",
    "command: mkfs.ext4 /dev/sdb1",
    "command: dd if=/dev/zero of=/dev/sdb",
    "command: iptables -F",
    "command: pg_resetwal -f /data",
    "command: pg_restore --clean -d shop /b/x.dump",
    "command: mysqladmin drop shop --force",
    "command: sudo rm -r /srv/old",
    "command: timeout 10 rm -rf /srv/old",
    "command: bash -c 'rm -rf /srv/old'",
    "command: /bin/rm -rf /srv/old",
    "command: ssh db1 rm -rf /srv/old",
    "module: {ansible.builtin.file: {path: /srv/x, state: absent}}",
    "module: {community.docker.docker_container: {name: x, state: absent}}",
    "module: {amazon.aws.ec2_instance: {instance_ids: i-1, state: absent}}",
    "module: {ansible.builtin.reboot: {}}",
    "module: {kubernetes.core.k8s: {kind: Pod, name: x, state: absent}}",
    "command: docker rm -f web",
    "command: docker compose down --volumes",
    "command: crictl rmi --prune",
    "command: userdel -r bob",
    "command: journalctl --vacuum-time=1d",
    "command: apt-get purge -y nginx",
    "command: ceph osd purge 3 --yes-i-really-mean-it",
    "command: pvremove /dev/sdb",
    "command: nodetool removenode abc",
    "command: kubectl delete pod x",
    "command: kubectl -n a delete pvc data-0",
    "command: kubectl scale deploy/x --replicas=0",
    "sql: DROP TABLE x",
    "sql: TRUNCATE x",
    "sql: DELETE FROM x WHERE a = 1",
    "sql: SELECT pg_terminate_backend(1)",
    "sql: DROP MATERIALIZED VIEW x",
    "module: {community.postgresql.postgresql_query: {query: DROP TABLE x}}",
    "shell: kubectl exec db-0 -- rm -rf /data",
    'shell: "for x in a b; do rm -rf /srv/$x; done"',
    "shell: |\n      # look first\n      ls /srv\n      rm -rf /srv/old",
    "command: rm -rf /tmp/a /srv/b",
    'command: rm -rf "/tmp/../srv"',
    "shell: rm -rf /tmp/*",
    "shell: trap 'rm -rf /srv/old' EXIT",
    'shell: tmp=$(mktemp -d); tmp=/srv; rm -rf "$tmp"',
    'shell: tmp=$(mktemp -u /srv/XXXX); rm -rf "$tmp"',
    'shell: tmp=$(mktemp); ls /srv | xargs rm "$tmp"',
    'shell: tmp=$(mktemp); rm "$tmp" /srv/old',
]
SPARES = [
    "command: rm -f /tmp/build.lock",
    "command: rm -rf /tmp/build",
    'shell: tmp=$(mktemp -d); rm -rf "${tmp}"',
    "shell: tmp=$(mktemp -d); trap 'rm -rf \"$tmp\"' EXIT",
    "command: docker run --rm alpine true",
    "command: git remote remove x",
    "command: kubectl get pods",
    "shell: kubectl get pods > /tmp/pods.txt",
    "command: kubectl rollout restart deploy/x",
    "command: kubectl scale deploy/x --replicas=10",
    "command: systemctl restart nginx",
    "command: kill -HUP 12",
    "command: kill -TERM 12",
    "shell: echo done > /tmp/x",
    "shell: 'date >> /var/log/x.log'",
    "command: git push origin v1",
    "command: git reset HEAD x",
    "command: apt-get install -y nginx",
    "command: aws s3 cp a s3://b/a",
    "command: aws ec2 describe-instances",
    "command: aws s3 sync a s3://b",
    "command: rsync -a /a/ /b/",
    "command: psql -c 'SELECT 1'",
    "sql: UPDATE users SET active = false WHERE id = 1",
    "sql: INSERT INTO x VALUES (1)",
    "sql: CREATE INDEX CONCURRENTLY i ON x (a)",
    "command: pg_dump -f /b/x shop",
    "command: pg_restore -d shop /b/x.dump",
    "command: redis-cli info",
    "command: redis-cli config set maxmemory 1gb",
    "command: terraform apply -auto-approve plan.out",
    "command: terraform plan -destroy",
    "command: helm upgrade shop ./chart",
    "command: helm rollback shop 3",
    "command: nodetool status",
    "command: kafka-topics.sh --list",
    "command: rabbitmqctl list_queues",
    "command: gcloud compute instances list",
    "command: az vm start --name x",
    "command: vault kv get secret/app",
    "command: iptables -L",
    "command: systemctl status shutdown.target",
    "module: {ansible.builtin.service: {name: nginx, state: restarted}}",
    "module: {ansible.builtin.lineinfile: {path: /etc/x, line: a, state: absent}}",
    "module: {ansible.builtin.file: {path: /srv/x, state: directory}}",
    "command: curl --fail -X POST http://127.0.0.1/x",
    "command: docker stop web",
    "command: docker image ls",
    "command: find /srv -name '*.log'",
    "command: truncate -s 1G /srv/file",
    "command: dd if=/dev/sda of=/backup/sda.img",
    "command: logrotate -f /etc/logrotate.conf",
    "command: vacuumdb shop",
    "command: certbot renew",
    "command: cp /etc/x /etc/x.bak",
    "command: mv /srv/a /srv/b",
    "command: journalctl -u x --since today",
    "command: oc get pods",
    "command: etcdctl snapshot save x.db",
    "command: ceph status",
    "command: velero backup create b1",
    "shell: |\n      # rm -rf /srv/old\n      ls /srv",
    "module: {community.postgresql.postgresql_query: {query: SELECT 1}}",
]


@pytest.fixture
def destroyed(tmp_path):
    """Whether a step that does this is taken for one that destroys."""

    def look(action):
        step = {"id": "act", "name": "Act", **yaml.safe_load(action), "verify": [{"command": "test -d /srv"}]}
        runbook_file(tmp_path, steps=[step])
        source = Library(tmp_path).source("RUN-001")
        return bool(destruction(LintContext(source, {}, date(2026, 1, 1))))

    return look


@pytest.mark.parametrize("action", DESTROYS)
def test_what_destroys_data_or_ends_the_work_of_others(destroyed, action):
    assert destroyed(action)


@pytest.mark.parametrize("action", SPARES)
def test_what_changes_or_looks_and_destroys_nothing(destroyed, action):
    assert not destroyed(action)
