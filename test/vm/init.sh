#!/bin/sh
# The first process of the virtual machine: makes it a machine with cgroup v2 only, runs the command
# and says its exit code. The kernel talks on ttyS0, the command on ttyS1.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ln -s /proc/self/fd /dev/fd
ip link set lo up
hostname vm

# The disks are namespaces of one NVMe controller, so their order is certain.
mount /dev/nvme0n2 /cloche
mount /dev/nvme0n3 /cloche/node_modules
[ ! -e /dev/nvme0n4 ] || mount /dev/nvme0n4 /var/lib/cloche

# As on a real machine, nobody works in the root cgroup.
mkdir /sys/fs/cgroup/session
stty -F /dev/ttyS1 raw
(
  cd /cloche || exit 125
  echo 0 > /sys/fs/cgroup/session/cgroup.procs
  exec sh .cache/command
) < /dev/null > /dev/ttyS1 2>&1
code=$?
printf '\nvm-exit-code %d\n' "$code" > /dev/ttyS1
# Waits until all of it has been sent.
stty -F /dev/ttyS1 raw
echo b > /proc/sysrq-trigger
