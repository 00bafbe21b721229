#!/bin/sh
# sshd, and where the rehearsal says so with a clock that is wrong, for it and for its sessions.
set -u
clock=/run/wingspan/simulated/clock
if [ -s "$clock" ]; then
    # Shared memory is off because sshd's sandbox kills what asks for it.
    set -- "LD_PRELOAD=/usr/lib/$(uname -m)-linux-gnu/faketime/libfaketime.so.1" \
        "FAKETIME_TIMESTAMP_FILE=$clock" FAKETIME_NO_CACHE=1 FAKETIME_DISABLE_SHM=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1
    exec env "$@" /usr/sbin/sshd -D -E /run/sshd.log -o "SetEnv=$*"
fi
exec /usr/sbin/sshd -D -E /run/sshd.log
