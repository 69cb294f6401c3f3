#!/bin/busybox sh
# The first and only process of the lab's machine: loads the drivers, makes the host's files the root (changes go to
# memory and are forgotten), runs the command in /ctl, leaves its exit code there, and turns the machine off.
# shellcheck shell=dash
set -u
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
$bb --install -s /bin
PATH=/bin
root=/newroot

give_up() {
  echo "lab: $*" >/dev/kmsg
  poweroff -f
}
share() { # share TAG FOLDER OPTIONS
  mount -t 9p -o "trans=virtio,version=9p2000.L,msize=512000,$3" "$1" "$2" || give_up "cannot mount $1"
}

for module in virtio_pci 9pnet_virtio 9p overlay virtio_console; do
  modprobe $module || give_up "no module $module"
done
share control /ctl cache=none
share host /host cache=loose,ro
mount -t tmpfs -o size=70% memory /overlay
mkdir /overlay/upper /overlay/work
mount -t overlay -o lowerdir=/host,upperdir=/overlay/upper,workdir=/overlay/work root $root ||
  give_up "cannot lay memory over the host's files"

ip link set lo up
# Two webcams: one as a USB camera with fixed sizes, one as an HDMI grabber that does any size.
modprobe vivid n_devs=2 node_types=0x1,0x1 num_inputs=1,1 input_types=0x0,0x3
for module in evdev joydev uinput snd-aloop xhci-pci ftdi_sio dummy_hcd cdc-acm usb_f_acm usb_f_serial g_serial; do
  modprobe $module || echo "lab: no module $module" >/dev/kmsg
done

for folder in proc sys dev; do
  mkdir -p $root/$folder
  mount --move /$folder $root/$folder
done
mkdir -p $root/dev/pts $root/dev/shm $root/run $root/mnt
mount -t devpts -o mode=620,ptmxmode=666 pts $root/dev/pts
mount -t tmpfs shm $root/dev/shm
mount -t tmpfs run $root/run
mount --bind /ctl $root/mnt
for link in fd: stdin:/0 stdout:/1 stderr:/2; do
  ln -sf "/proc/self/fd${link#*:}" "$root/dev/${link%%:*}"
done

# The only port: what is written there, the host prints.
output=
for port in "$root"/sys/class/virtio-ports/*; do output=$root/dev/${port##*/}; done
chroot $root /bin/sh /mnt/command.sh <$root/dev/null >"$output" 2>&1
echo $? >/ctl/exit_code
sync
poweroff -f
