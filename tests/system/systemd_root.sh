#!/usr/bin/env bash
# A systemd of its own as process 1, in namespaces and a root made for it, that starts the
# unit and then what is asked of it: see systemd_live.py.
#
#   unshare -m -p -f -C -u -i -n --mount-proc systemd_root.sh WORK
#
# WORK holds what is tried - teataja, templates, teataja.service, sysusers.conf, site, try.sh -
# and gets `said`, what try.sh printed, and `log`, what the daemon did. All of it is in memory
# and goes with process 1.
set -euo pipefail
work=$1
root=$work/root

mount --make-rprivate /
mkdir -p "$root"
mount -t tmpfs -o mode=755 none "$root"
cd "$root"
mkdir -p usr etc/systemd/system/teataja.service.d proc sys dev run tmp home root opt \
  var/{lib,log,tmp} out
mount --bind "$work" out
mount --bind /usr usr
mount -o remount,ro,bind usr
for folder in bin sbin lib lib64; do
  ln -s "usr/$folder" "$folder"
done

mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup sys/fs/cgroup
mount -t tmpfs -o mode=755 none dev
mkdir dev/pts dev/shm
for device in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0 ptmx:5:2; do
  IFS=: read -r name major minor <<< "$device"
  mknod -m 666 "dev/$name" c "$major" "$minor"
done
ln -s null dev/console
ln -s /proc/self/fd dev/fd
mount -t tmpfs none run
mount -t tmpfs none tmp

echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd
echo 'root:x:0:' > etc/group
: > etc/shadow
: > etc/machine-id
cp -a /etc/ld.so.cache /etc/nsswitch.conf /etc/alternatives etc/
systemd-sysusers --root="$root" "$work/sysusers.conf"

cp "$work/teataja" opt/teataja
cp -r "$work/templates" opt/templates
cp "$work/teataja.service" etc/systemd/system/
cat > etc/systemd/system/teataja.service.d/here.conf <<'UNIT'
[Service]
Environment=TEATAJA_TEMPLATES=/opt/templates
StandardOutput=append:/out/log
StandardError=append:/out/log
UNIT
cat > etc/systemd/system/try.service <<'UNIT'
[Unit]
Requires=basic.target
After=basic.target
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/bash /out/try.sh
StandardOutput=append:/out/said
StandardError=append:/out/said
UNIT
# What belongs to a machine and not to the unit.
for unit in systemd-{udevd,journald,resolved,networkd,timesyncd,logind}.service dbus.service \
  systemd-journald{,-dev-log}.socket systemd-udevd-{kernel,control}.socket \
  dev-{hugepages,mqueue}.mount sys-kernel-{debug,tracing,config}.mount \
  sys-fs-fuse-connections.mount; do
  ln -s /dev/null "etc/systemd/system/$unit"
done
cp -r "$work/site" var/lib/teataja
chown -R "$(awk -F: '/^teataja:/ { print $3 ":" $4 }' etc/passwd)" var/lib/teataja

ip link set lo up
mkdir old
pivot_root . old
cd /
umount -l /old
rmdir /old
exec env -i container=lxc PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 \
  /lib/systemd/systemd --log-target=null --show-status=0 --unit=try.service
