#!/bin/sh
# A tablet of one sshd: this machine's files under an overlay in memory, in namespaces of its own,
# reached on the loopback. What it writes goes with it.
#   unshare --mount --pid --fork --kill-child sh tablet.sh FOLDER PORT BOOTSTRAP.pub SIZE
set -e
folder=$1 port=$2 bootstrap=$3 size=$4
mount -t tmpfs -o "size=$size" tmpfs "$folder"
mkdir "$folder/upper" "$folder/work" "$folder/root"
mount -t overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" overlay "$folder/root"
cd "$folder/root"
mount --rbind /dev dev
mount -t proc proc proc
rm -rf etc/ssh/sshd_config.d root/.ssh
mkdir -p run/sshd root/.ssh etc/ssh/sshd_config.d
rm -f etc/ssh/ssh_host_*
ssh-keygen -q -t ed25519 -N '' -C '' -f etc/ssh/ssh_host_ed25519_key
cp "$bootstrap" root/.ssh/authorized_keys
chmod -R go= root/.ssh
cat >etc/ssh/sshd_config <<END
Include /etc/ssh/sshd_config.d/*.conf
ListenAddress 127.0.0.1
Port $port
UsePAM no
X11Forwarding yes
AllowTcpForwarding yes
PasswordAuthentication yes
Subsystem sftp /usr/lib/openssh/sftp-server
END
# This machine's clock is not the tablet's to set.
mkdir -p etc/wingspan run/wingspan/simulated
echo /run/wingspan/simulated >etc/wingspan/sysroot
exec setpriv --bounding-set=-sys_time chroot . /usr/sbin/sshd -D -E /var/log/sshd.log
