#!/bin/sh
# Give each prison its router's network, and each device its casing: a network and an empty disk.
set -eu
cd /mnt
mke2fs -q -F -t ext4 -m 0 -J size=4 -N 32768 -E lazy_itable_init=0 -O ^resize_inode empty.img "$1"
for site in sites/*; do
    unshare --net sh -c "echo \$\$ >$site/router; exec sleep infinity" </dev/null >/dev/null 2>&1 &
done
for device in devices/*; do
    cp --sparse=always empty.img "$device/disk.img"
    mkdir "$device/disk" "$device/root"
    mkfifo "$device/power"
    unshare --net --mount sh device.sh "/mnt/$device" </dev/null >"$device/log" 2>&1 &
done
