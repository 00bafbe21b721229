#!/bin/sh
# Between a device's casing and its own first process: its root, and nothing of this machine.
set -eu
cd "$1"
. ./settings
# The machine's view of processes is still mounted here, so this is our number in it.
read -r pid _ </proc/self/stat
echo "$pid" >init
rm -f rests
mount -t overlay -o lowerdir=/mnt/base,upperdir=disk/upper,workdir=disk/work overlay root
mount --all --fstab /mnt/fstab --target-prefix "$1/root"
mkdir -p root/run/sshd root/run/wingspan/simulated
mount --bind simulated root/run/wingspan/simulated
hostname "$NAME"
cd root
pivot_root . mnt
# Not for a device: this machine's clock, kernel modules, raw memory and disks.
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-mknod,-syslog \
    /usr/local/sbin/rehearsal-init
