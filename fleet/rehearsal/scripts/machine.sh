#!/bin/sh
# First process of a rehearsal, in namespaces of its own: when it ends, all that is in them goes.
# Arguments: the devices' shared root, after how many seconds the rehearsal ends by itself, and the
# name for its control groups.
set -eu
mount -t tmpfs -o mode=755 rehearsal /mnt
mkdir /mnt/base /mnt/devices /mnt/sites
mount --bind -o ro "$1" /mnt/base
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward
echo "$3" >/mnt/group
: >/mnt/ready
sleep "$2"
