#!/usr/bin/env bash
# Makes the lower layers of the node image out of Debian packages and kind's own node files.
#   make-root.sh DESTINATION KIND_FILES
# writes DESTINATION/node/layer.tar (systemd, containerd, runc, CNI plugins) and DESTINATION/iptables/layer.tar (kube-proxy's tools).
# Runs as root in its own mount and process namespaces, so that a killed run leaves neither a mount nor a process.
set -euo pipefail
destination=$1 kind_files=$2
root=$destination/root iptables=$destination/iptables-root
packages=systemd,systemd-sysv,dbus,bash,ca-certificates,conntrack,ebtables,ethtool,iproute2,iptables,iputils-ping,ipset,jq,kmod
packages+=,libseccomp2,mount,nftables,procps,psmisc,socat,util-linux,findutils,curl,runc,containerd,containernetworking-plugins

debootstrap --variant=minbase --include="$packages" bookworm "$root" ${LAB_DEBIAN_MIRROR:-}

cp -r --no-preserve=mode "$kind_files"/. "$root"/
chmod 755 "$root"/usr/local/bin/* "$root"/kind "$root"/kind/bin "$root"/kind/bin/*
ln -sf /usr/bin/containerd /usr/bin/ctr "$root"/usr/local/bin/
# The host may lack the right to lower a process's OOM score, and containerd then starts no container.
sed -i 's/restrict_oom_score_adj = false/restrict_oom_score_adj = true/' "$root"/etc/containerd/config.toml

chroot "$root" bash -euo pipefail <<'INSIDE'
# As kind's own Dockerfile does: only what a node needs is started, and the kernel's log stays the host's.
find /lib/systemd/system/sysinit.target.wants/ -name systemd-tmpfiles-setup.service -delete
rm -f /lib/systemd/system/{multi-user,local-fs,basic}.target.wants/* /etc/systemd/system/*.wants/*
rm -f /lib/systemd/system/sockets.target.wants/*{udev,initctl}*
# Debian's unit would win over kind's.
rm -f /lib/systemd/system/containerd.service
echo ReadKMsg=no >> /etc/systemd/journald.conf
systemctl enable kubelet containerd undo-mount-hacks
systemctl mask systemd-binfmt.service
mkdir -p /etc/kubernetes/manifests /etc/cni/net.d /opt/cni/bin
cp /usr/lib/cni/{loopback,ptp,host-local,portmap} /opt/cni/bin/
ctr oci spec \
  | jq '.hooks.createContainer += [{"path": "/kind/bin/mount-product-files.sh"}] | del(.process.rlimits)' \
  > /etc/containerd/cri-base.json
rm -rf /var/cache/apt/* /var/lib/apt/lists/* /usr/share/{doc,man,locale}/* /usr/lib/cni
INSIDE

# kube-proxy needs iptables with its extensions; libm is loaded by some of them and named by none.
copy() {
  local file
  for file in "$@"; do
    mkdir -p "$iptables$(dirname "$file")"
    cp -L "$root$file" "$iptables$file"
  done
}
libraries=/usr/lib/$(chroot "$root" dpkg-architecture -q DEB_HOST_MULTIARCH 2>/dev/null || echo x86_64-linux-gnu)
programs=(/usr/sbin/xtables-nft-multi /usr/sbin/xtables-legacy-multi /usr/sbin/nft /usr/sbin/ipset /usr/sbin/conntrack /usr/bin/kmod /bin/sh)
copy "${programs[@]}" "/lib/${libraries#/usr/lib/}/libm.so.6"
for program in "${programs[@]}"; do
  mapfile -t needed < <(chroot "$root" ldd "$program" | grep -oE '/[^ ]+\.so[^ ]*')
  copy "${needed[@]}"
done
mkdir -p "$iptables$libraries/xtables" "$iptables"/{tmp,run,usr/local/bin,lib/modules}
cp "$root$libraries"/xtables/*.so "$iptables$libraries/xtables/"
for name in iptables iptables-save iptables-restore ip6tables ip6tables-save ip6tables-restore; do
  ln -s xtables-nft-multi "$iptables/usr/sbin/$name"
done
ln -s /usr/bin/kmod "$iptables/usr/sbin/modprobe"

pack() {
  mkdir "$destination/$2"
  tar -C "$1" --sort=name --mtime=@0 --numeric-owner -cf "$destination/$2/layer.tar" .
  rm -rf "$1"
}
pack "$iptables" iptables
pack "$root" node
