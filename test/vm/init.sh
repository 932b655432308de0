#!/bin/sh
# The first process of the virtual machine: mounts what a machine has, the cgroups as the kernel's
# command line says (it hands `cgroups=v2` on as a variable), runs the command and says its exit code. The kernel talks on ttyS0, the command on ttyS1.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o ptmxmode=666 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs -o mode=755 tmpfs /run
ln -s /proc/self/fd /dev/fd
ip link set lo up
hostname vm

unified=/sys/fs/cgroup
if [ "$cgroups" != v2 ]; then
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  for controller in cpu cpuacct cpuset memory devices freezer blkio pids hugetlb; do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
  done
  unified=/sys/fs/cgroup/unified
fi
if [ "$cgroups" != v1 ]; then
  mkdir -p "$unified"
  mount -t cgroup2 cgroup2 "$unified"
  # As on a real machine, nobody works in the root cgroup.
  mkdir "$unified/session"
fi

# The disks are namespaces of one NVMe controller, so their order is certain.
mount /dev/nvme0n2 /cloche
mount /dev/nvme0n3 /cloche/node_modules
[ ! -e /dev/nvme0n4 ] || mount /dev/nvme0n4 /var/lib/cloche

stty -F /dev/ttyS1 raw
(
  cd /cloche || exit 125
  [ ! -e "$unified/session" ] || echo 0 > "$unified/session/cgroup.procs"
  exec sh .cache/command
) < /dev/null > /dev/ttyS1 2>&1
code=$?
printf '\nvm-exit-code %d\n' "$code" > /dev/ttyS1
# Waits until all of it has been sent.
stty -F /dev/ttyS1 raw
echo b > /proc/sysrq-trigger
