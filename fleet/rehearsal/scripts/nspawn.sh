#!/bin/sh
# Boot the systemd of the device whose folder we are in; end with 133 when it reboots.
set -eu
. ./settings

# A control group of its own: systemds that shared one would end each other's processes.
enter_group() {
    mount="$1" ours="$2"
    group="$mount${ours%/}/$(cat /mnt/group)/$NAME"
    mkdir -p "$group"
    echo $$ >"$group/cgroup.procs"
}
named=$(findmnt --noheadings --first-only --output TARGET --types cgroup --options name=systemd) &&
    enter_group "$named" "$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup)"
unified=$(findmnt --noheadings --first-only --output TARGET --types cgroup2) &&
    enter_group "$unified" "$(sed -n 's/^0:://p' /proc/self/cgroup)"

rm -f rests
mount -t overlay -o lowerdir=/mnt/base,upperdir=disk/upper,workdir=disk/work overlay root
systemd-nspawn --quiet --boot --directory=root --machine="$NAME" --hostname="$NAME" \
    --register=no --keep-unit --network-namespace-path="/proc/$$/ns/net" \
    --bind="$PWD/simulated:/run/wingspan/simulated" --resolv-conf=off --timezone=off \
    --link-journal=no --console=read-only --capability=CAP_NET_ADMIN \
    --drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE,CAP_SYS_RAWIO,CAP_MKNOD,CAP_SYSLOG &
outer=$!
# Its one child is the device's first process once that is called systemd.
while kill -0 "$outer" 2>/dev/null; do
    read -r leader _ <"/proc/$outer/task/$outer/children" || :
    if [ -n "$leader" ] && grep -q '^systemd$' "/proc/$leader/comm" 2>/dev/null; then
        echo "$leader" >init
        break
    fi
    sleep 0.1
done
status=0
wait "$outer" || status=$?
until umount root; do sleep 0.1; done
exit "$status"
