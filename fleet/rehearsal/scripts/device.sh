#!/bin/sh
# One device seen from outside: its disk and its switch. Argument: its folder.
#
# A word into the pipe `power` switches it on. It then boots as often as it asks to, until the
# file `off` is there: laid by whoever cuts its power, or here when it powers itself off.
set -u
cd "$1" || exit
echo $$ >casing
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6

insert_disk() {
    mountpoint -q disk || mount -o loop,noatime disk.img disk || exit
    if ! [ -e disk/made ]; then
        mkdir -p disk/upper disk/work
        cp -a factory/. disk/upper/
        : >disk/made
        sync -f disk
    fi
}

# As the network's address service would; a reboot forgets whatever else was set.
connect() {
    . ./settings
    nft flush ruleset
    ip -batch - <<END
link set lo up
link set eth0 up
addr flush dev eth0
addr add $ADDRESS dev eth0
route replace default via $GATEWAY
neigh replace $GATEWAY lladdr $GATEWAY_MAC nud permanent dev eth0
END
}

# Succeeds when the device wants to boot again.
run() {
    if [ "$KIND" = systemd ]; then
        sh /mnt/nspawn.sh
        [ $? -eq 133 ]
    else
        unshare --fork --kill-child --pid --mount --uts --ipc sh /mnt/boot.sh "$1"
        # The kernel ends a device that halts by SIGINT, and one that reboots by SIGHUP.
        [ $? -ne 130 ]
    fi
}

while read -r _ <power; do
    rm -f off
    until [ -e off ]; do
        insert_disk
        connect
        run "$1" || : >off
        [ -e off ] || sleep 0.5
    done
    rm -f init
    # The kernel may still be taking the device's own view of the disk down.
    until umount disk; do sleep 0.1; done
    # After a power cut: what had reached the disk, and nothing else.
    [ -e durable.img ] && mv durable.img disk.img
    : >rests
done
