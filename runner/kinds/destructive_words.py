"""The words of commands, statements and modules that destroy data or end somebody's work.

They are what the manuals of the programs say. Where a program only destroys with an option, the option is asked for.
"""

_CALL = r"(?<![\w/.-])(?:/(?:usr/)?(?:local/)?s?bin/)?"
"""Where the name of a program may begin."""

_ARGS = r"\s(?:[^\n|;]*\s)?"
"""What may stand between a program and the word that counts."""

_FILES = (
    r"rm(?!\s+(?:-\S+\s+)*/(?:tmp|run|var/tmp|var/run|var/lock)/(?!\S*(?:\*|\.\.))\S+\s*(?:$|[\n;&|)}\"']))(?:\s+-\S+)*\s+(?:\{\{.*?\}\}|\S+)",
    r"rm(?=\s*$)",  # of what xargs gives it
    r"unlink\s+\S+",
    rf"find{_ARGS}-delete\b",
    r"shred\s",
    r"truncate\s+-s\s*0",
    r"c(?:p|at)\s+/dev/null\s[^\n|;]*\S",
    rf"rsync{_ARGS}--del(?:ete[\w-]*)?\b",
    r"rclone\s+(?:sync|delete|purge)\b",
    r"journalctl\s[^\n|;]*--vacuum-\w+",
)
_DISKS = (
    r"mkfs(?:\.\w+)?\s",
    r"wipefs\s",
    r"blkdiscard\s",
    rf"dd{_ARGS}of=/dev/",
    r"(?:lv|vg|pv)remove\s",
    r"zfs\s+(?:destroy|rollback)\b",
    r"zpool\s+destroy\b",
    rf"sgdisk{_ARGS}(?:--zap\S*|-Z)\b",
    rf"mdadm{_ARGS}--zero-superblock\b",
    rf"cryptsetup{_ARGS}luks(?:Erase|Format)\b",
)
_DATABASES = (
    r"drop(?:db|user)\s",
    r"pg_(?:resetwal|resetxlog|dropcluster)\s",
    r"pg_restore\s[^\n|;]*(?:--clean|\s-c)\b",
    rf"mysqladmin{_ARGS}drop\b",
    rf"mongorestore{_ARGS}--drop\b",
    r"mongo(?:sh)?\s[^\n;]*(?:\.(?:dropDatabase|drop|deleteMany|deleteOne|remove)\()",
    rf"redis-cli{_ARGS}(?i:flushall|flushdb|del|unlink|shutdown)\b",
    r"curl\s[^\n|;]*(?:-X\s*|--request[ =])DELETE\b",
    rf"etcdctl{_ARGS}del\b",
    rf"nodetool{_ARGS}(?:removenode|decommission|assassinate|clearsnapshot)\b",
    r"kafka-\w[\w-]*(?:\.sh)?\s[^\n|;]*(?:--delete\b|--reset-offsets\b)|kafka-delete-records(?:\.sh)?\s",
    rf"rabbitmq(?:ctl|admin){_ARGS}(?:purge\w*|delete\w*|reset|force_reset)\b",
    rf"(?:ceph|rados){_ARGS}(?:purge|destroy|delete|rm)\b",
)
_CLOUDS = "gcloud|az|eksctl|doctl|openstack|velero|argocd|vault|consul|nomad|heroku|flyctl"
_PLATFORMS = (
    r"(?:kubectl|oc)\s(?!auth\b)(?:[^\n|;]*\s)?(?:delete|drain)\b",
    rf"(?:kubectl|oc){_ARGS}--replicas[= ]0\b",
    rf"(?:kubectl|oc)\s+replace{_ARGS}--force\b",
    r"helm\s+(?:uninstall|delete)\b",
    rf"(?:terraform|tofu|terragrunt|pulumi){_ARGS}(?:destroy\b|apply\s[^\n|;]*-destroy\b)",
    rf"(?:{_CLOUDS}){_ARGS}(?:delete|destroy|purge|remove)\b",
    r"aws\s+s3\s+(?:rm|rb)\b|aws\s+s3\s+sync\s[^\n|;]*--delete\b",
    rf"aws{_ARGS}(?:delete|terminate|purge)-[\w-]+",
    rf"gsutil{_ARGS}r[mb]\b",
    r"(?:docker|podman)\s+(?:(?:volume|container|image|network|system|builder)\s+)?(?:rm|rmi|prune)\b",
    r"(?:docker|podman)(?:\s+|-)compose\s[^\n|;]*\bdown\s[^\n|;]*(?:-v|--volumes)\b",
    r"crictl\s+(?:rm|rmi|rmp)\b",
)
_SOURCES = (
    rf"git{_ARGS}push\s[^\n|;]*(?:--force\S*|-f|--delete|--mirror)\b",
    r"git\s(?:[^\n|;]*\s)?(?:reset\s+--hard|clean\s+-\w*[fdx]\w*|branch\s+-D)\b",
)
_MACHINES = (
    r"kill(?:all)?\s+-(?:9|KILL|SIGKILL)\b",
    r"(?:pkill|killall)\s",
    r"(?:userdel|deluser|groupdel)\s",
    r"systemctl\s+(?:reboot|poweroff|halt|kexec|rescue|emergency|isolate)\b",
    rf"iptables{_ARGS}(?:-F|--flush)\b|nft\s+flush\b|ufw\s+reset\b",
    r"(?:reboot|poweroff|halt|shutdown)\b(?:\s+[^\n;&|]+)?",
    rf"(?:apt|apt-get|yum|dnf|zypper|apk|pacman){_ARGS}(?:purge|remove|autoremove|erase|del)\b",
)
_ALL = (*_FILES, *_DISKS, *_DATABASES, *_PLATFORMS, *_SOURCES, *_MACHINES)
CODE = rf"{_CALL}(?:{'|'.join(_ALL)})"
"""A command that destroys something, from its program on; a text, which `re` compiles for whoever first asks."""

EMPTIED = r"(?:^|[\n;&(]\s*)(?P<emptied>:?\s*>\s*(?!/dev/|&)\S+)"
"""A file that is emptied by nothing that goes into it."""

SQL = (
    r"(?i)\b(?:drop\s+(?:table|database|schema|index|(?:materialized\s+)?view|role|user|sequence|function|trigger|type"
    r"|extension|owned|tablespace|partition|column|constraint|keyspace|collection)\b"
    r"|truncate\b|delete\s+from\b|purge\s+binary\b|pg_terminate_backend\b|kill\s+(?:connection\s+|query\s+)?[0-9]+"
    r"|update\s+(?:only\s+)?[\w.\"]+(?:\s+(?:as\s+)?(?!set\b)\w+)?\s+set\b(?![\s\S]*\bwhere\b))"
)
"""What destroys something in a statement; an update of every row is one."""

_CLIENTS = "psql|mysql|mariadb|sqlite3|sqlcmd|sqlplus|cqlsh|clickhouse(?:-client)?|cockroach"
SQL_CLIENT = rf"(?<![\w.-])(?:{_CLIENTS})\s"
"""A program that is given statements in its arguments."""

REMOVED = frozenset({"absent", "removed", "terminated", "destroyed", "deleted"})
"""The states of an Ansible module in which what it is about is gone."""

_SETTINGS = """
lineinfile blockinfile replace cron at known_hosts sysctl alternatives firewalld iptables ufw seboolean apt_repository
yum_repository apt_key rpm_key modprobe xattr acl capabilities pam_limits ini_file xml htpasswd
"""
HARMLESS = frozenset(_SETTINGS.split())
"""Modules that take out a line or a setting, which is written again as easily."""

ENDING = frozenset({"reboot", "shutdown", "win_reboot", "win_shutdown"})
"""Modules that end the work of everybody on a host."""
