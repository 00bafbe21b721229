#!/bin/sh
# First process of a device without systemd: network, firewall, boot jobs, then sshd for ever.
umount -l /mnt
nft flush ruleset
ip -batch - <<END
link set lo up
link set eth0 up
addr flush dev eth0
addr add $ADDRESS dev eth0
route replace default via $GATEWAY
neigh replace $GATEWAY lladdr $GATEWAY_MAC nud permanent dev eth0
END
unset ADDRESS GATEWAY GATEWAY_MAC
if [ -e /etc/systemd/system/sysinit.target.wants/nftables.service ]; then
    nft -f /etc/nftables.conf
fi
# What a unit does before sessions start on a device with systemd, a script does here.
if [ -d /etc/wingspan/boot.d ]; then
    run-parts /etc/wingspan/boot.d
fi
clock=/run/wingspan/simulated/clock
library=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1
while :; do
    if [ -s "$clock" ]; then
        # A clock that is wrong, for sshd and for all that runs in its sessions. Shared memory
        # is off because sshd's sandbox kills what asks for it.
        set -- "LD_PRELOAD=$library" "FAKETIME_TIMESTAMP_FILE=$clock" FAKETIME_NO_CACHE=1 \
            FAKETIME_DISABLE_SHM=1 FAKETIME_DONT_FAKE_MONOTONIC=1
        env "$@" /usr/sbin/sshd -D -E /run/sshd.log -o "SetEnv=$*"
    else
        /usr/sbin/sshd -D -E /run/sshd.log
    fi
    sleep 0.2
done
