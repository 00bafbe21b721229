#!/bin/sh
# One device seen from outside: its disk and its switch. Argument: its folder.
#
# A word into the pipe `power` switches it on. It then boots as often as it asks to, until the
# file `off` is there: laid by whoever cuts its power, or here when it powers itself off.
set -u
cd "$1" || exit
echo $$ >casing
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
while read -r _ <power; do
    rm -f off
    until [ -e off ]; do
        if ! mountpoint -q disk; then
            mount -o loop,noatime disk.img disk || exit
        fi
        if ! [ -e disk/made ]; then
            mkdir -p disk/upper disk/work
            cp -a factory/. disk/upper/
            : >disk/made
            sync -f disk
        fi
        unshare --fork --kill-child --pid --mount --uts --ipc sh /mnt/boot.sh "$1"
        # The kernel ends a device that halts by SIGINT, and one that reboots by SIGHUP.
        [ $? -eq 130 ] && : >off
        [ -e off ] || sleep 0.5
    done
    rm -f init
    umount disk
    # After a power cut: what had reached the disk, and nothing else.
    [ -e durable.img ] && mv durable.img disk.img
    : >rests
done
