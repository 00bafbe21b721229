#!/bin/sh
# The one process of a rehearsal that is outside it: it waits for the end, and clears away the
# control groups of devices with systemd, which no namespace holds.
# Arguments: the devices' shared root, and after how many seconds the rehearsal ends by itself.
scripts=$(dirname "$0")
group=wingspan-$$
unshare --fork --kill-child --pid --mount --net --ipc --uts --mount-proc \
    sh "$scripts/machine.sh" "$1" "$2" "$group"
find /sys/fs/cgroup -depth -type d -path "*/$group*" -exec rmdir {} \;
