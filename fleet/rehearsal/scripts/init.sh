#!/bin/sh
# First process of a device without systemd: firewall, boot jobs, then sshd for ever.
umount -l /mnt
if [ -e /etc/systemd/system/sysinit.target.wants/nftables.service ]; then
    nft -f /etc/nftables.conf
fi
# What a unit does before sessions start on a device with systemd, a script does here.
if [ -d /etc/wingspan/boot.d ]; then
    run-parts /etc/wingspan/boot.d
fi
while :; do
    rehearsal-sshd
    sleep 0.2
done
