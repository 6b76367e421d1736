# After the packages of the lab's image are installed: sh customize.sh ROOT
set -eu
root=$1

# Each lab gives its machines names and keys of their own.
rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/hostname" "$root/etc/resolv.conf"
: >"$root/etc/machine-id"

# sshd refuses an account whose password is locked with "!", and PAM is not asked.
chroot "$root" useradd --create-home --shell /bin/bash --password '*' ops
echo 'ops ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/ops"
chmod 440 "$root/etc/sudoers.d/ops"

# The stack starts what a host is for.
chroot "$root" systemctl --quiet disable nginx.service pgbouncer.service postgresql.service nftables.service cron.service

# What costs time at every start, or works on its own while a drill runs.
chroot "$root" systemctl --quiet mask \
  apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer \
  systemd-tmpfiles-clean.timer console-getty.service systemd-logind.service systemd-update-utmp.service \
  systemd-update-utmp-runlevel.service systemd-networkd.service systemd-resolved.service systemd-timesyncd.service \
  dev-hugepages.mount sys-fs-fuse-connections.mount systemd-journal-flush.service
chroot "$root" systemctl --quiet set-default multi-user.target

# A journal on disk costs 16 MB on each host.
mkdir -p "$root/etc/systemd/journald.conf.d"
cat >"$root/etc/systemd/journald.conf.d/lab.conf" <<'END'
[Journal]
Storage=volatile
RuntimeMaxUse=16M
END
