# shellcheck shell=bash
# bare-root.sh: a bare Debian 12 in a folder, made by debootstrap, and commands run inside. Sourced after steps.sh by
# tools/fresh-root and packaging/try-deb; needs root and the network. MIRROR in the environment names another mirror.

# bare_root_alone SCRIPT ARGUMENT...: what is mounted from here on is seen by nobody else, and is gone with the last
# process of the script, however it ends. So removing the folder can never reach what was mounted in it.
bare_root_alone() {
	[ "$(id -u)" = 0 ] || fail "a bare Debian is made by chroot, and that needs root" "run it as root: sudo $1"
	[ -n "${BARE_ROOT_ALONE:-}" ] || BARE_ROOT_ALONE=1 exec unshare --mount --propagation private "$@"
}

# bare_root_make FOLDER: removes the last one and makes a new one; `inside COMMAND...` runs in it.
bare_root_make() {
	local file
	root=$1
	case $root in / | /root | //root) fail "\"$root\" cannot hold a root" "name an empty folder" ;; esac
	command -v debootstrap >/dev/null || fail "debootstrap is missing" "as root: apt-get install debootstrap"
	! grep -qF " $root/" /proc/self/mounts ||
		fail "something is mounted in $root" "see what: findmnt -R $root; then unmount it"
	step "removing the last one" rm -rf --one-file-system "$root"
	mkdir -p "$root"
	step "debootstrap bookworm" debootstrap --variant=minbase bookworm "$root" ${MIRROR:+"$MIRROR"} ||
		fail "debootstrap could not make a Debian 12" "see $STEP_LOG; another mirror: MIRROR=URL in the environment"
	# What the machine itself needs to reach a mirror: name servers, proxy and trust, if it has such.
	cp /etc/resolv.conf /etc/hosts "$root/etc/"
	for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*proxy* /usr/local/share/ca-certificates/*; do
		[ ! -e "$file" ] || install -D -m 644 "$file" "$root$file"
	done
	# A place of its own in the tree of mounts, or nothing in it could make a network; terminals for what asks for a password.
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
}

inside() {
	env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt chroot "$root" "$@"
}
