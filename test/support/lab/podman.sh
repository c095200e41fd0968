#!/bin/bash
# A throw-away Podman service, as root or as an ordinary user made for it, everything below one folder.
#   podman.sh start FOLDER NAME podman|rootless SUBNET POOL   returns when started, not when it answers
#   podman.sh stop  FOLDER NAME podman|rootless               leaves nothing; works after a crash
#   podman.sh cli   FOLDER NAME podman|rootless ARGUMENT...   the command line on the same storage
set -u
. "$(dirname "$0")/common.sh"
command=$1 folder=$2 name=$3 kind=$4
socket=$folder/engine.sock

as_owner() {
  local settings=(CONTAINERS_CONF="$folder/containers.conf" CONTAINERS_STORAGE_CONF="$folder/storage.conf")
  if [ "$kind" = rootless ]; then
    setpriv --reuid "$name" --regid "$name" --init-groups env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin \
      LANG=C.UTF-8 HOME="$folder/home" USER="$name" LOGNAME="$name" XDG_RUNTIME_DIR="$folder/xdg" \
      "${settings[@]}" "$@"
  else
    env "${settings[@]}" "$@"
  fi
}

# cgroupfs and a file of events, for there may be no systemd; runc, for crun refuses the hybrid of
# cgroup v1 and v2; plain limits, for this root may not be allowed to raise any.
write_settings() {
  local subnet=$1 pool=$2 runtime=crun
  command -v runc >/dev/null && runtime=runc
  mkdir -p "$folder"/{root,run,tmp,net,home,xdg,vol}
  chmod 700 "$folder/xdg"
  cat >"$folder/containers.conf" <<END
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
runtime="$runtime"
tmp_dir="$folder/tmp"
volume_path="$folder/vol"
[containers]
log_driver="k8s-file"
cgroups="enabled"
default_ulimits=["nofile=$(ulimit -Hn):$(ulimit -Hn)","nproc=16384:16384"]
[network]
network_backend="netavark"
network_config_dir="$folder/net"
default_subnet="${subnet%.*}.0/24"
default_subnet_pools=[{"base"="$pool","size"=26}]
END
  cat >"$folder/storage.conf" <<END
[storage]
driver="overlay"
graphroot="$folder/root"
runroot="$folder/run"
rootless_storage_path="$folder/root"
END
  # The default network under a bridge of our own name: podman0 may be someone's.
  cat >"$folder/net/podman.json" <<END
{
  "name": "podman",
  "id": "2f259bab93aaaaa2542ba43ef33eb990d0999ee1b9924b557b7be53c0b7a1bb9",
  "driver": "bridge",
  "network_interface": "${name}p",
  "subnets": [{ "subnet": "${subnet%.*}.0/24", "gateway": "${subnet%/*}" }],
  "ipv6_enabled": false,
  "internal": false,
  "dns_enabled": false,
  "ipam_options": { "driver": "host-local" }
}
END
}

start() {
  write_settings "$1" "$2"
  if [ "$kind" = rootless ]; then
    useradd -M -d "$folder/home" -s /bin/bash "$name" || exit 1
    chown -R "$name:$name" "$folder"/{root,run,tmp,net,home,xdg,vol,containers.conf,storage.conf}
    chown "$name" "$folder"
    borrow_tun
  else
    borrow_network
  fi
  cd "$folder" || exit 1
  as_owner setsid podman system service --time=0 "unix://$socket" >"$folder/engine.log" 2>&1 </dev/null &
}

# What several engines of the lab share is left as it was found by the last of them: `borrow WHAT`
# notes that we use it, `give_back WHAT` tells whether to undo it, which is when we had made it
# and nobody else of the lab still uses it.
borrowed_by_lab() { ls "$(dirname "$folder")"/*/"borrowed-$1" >/dev/null 2>&1; }
borrow() { touch "$folder/borrowed-$1"; }
give_back() {
  [ -e "$folder/borrowed-$1" ] || return 1
  rm -f "$folder/borrowed-$1"
  ! borrowed_by_lab "$1"
}

# Netavark leaves its iptables chains and /run/netns behind.
borrow_network() {
  if borrowed_by_lab netavark || ! iptables -w -t nat -S 2>/dev/null | grep -q NETAVARK; then
    borrow netavark
  fi
  if borrowed_by_lab netns || ! [ -d /run/netns ]; then borrow netns; fi
}

# Where no udev has done so: everybody may open it, as the kernel's own documentation advises.
borrow_tun() {
  if borrowed_by_lab tun || [ "$(stat -c %a /dev/net/tun)" = 600 ]; then
    borrow tun
    chmod 666 /dev/net/tun
  fi
}

remove_netavark() {
  give_back netavark || return 0
  local tool table rule chain
  for tool in iptables ip6tables; do
    for table in nat filter; do
      $tool -w -t $table -S 2>/dev/null | grep -- '^-A .*NETAVARK' | sed 's/^-A/-D/' | while read -r rule; do
        eval "$tool -w -t $table $rule" 2>/dev/null
      done
      for chain in $($tool -w -t $table -S 2>/dev/null | sed -n 's/^-N \(NETAVARK.*\)/\1/p'); do
        $tool -w -t $table -F "$chain" && $tool -w -t $table -X "$chain"
      done
    done
  done
}

remove_netns_folder() {
  give_back netns && [ -d /run/netns ] && [ -z "$(ls -A /run/netns)" ] || return 0
  umount /run/netns 2>/dev/null
  rmdir /run/netns
}

end_user() {
  pkill -KILL -u "$name" 2>/dev/null
  for _ in $(seq 100); do pgrep -u "$name" -r R,S,D,T >/dev/null || break; sleep 0.05; done
  # -f: a process of it that has ended and that nobody has waited for yet is no reason to keep it.
  userdel -f "$name" 2>/dev/null
  sed -i "/^$name:/d" /etc/subuid /etc/subgid
}

stop() {
  if [ -S "$socket" ]; then
    (cd "$folder" && as_owner timeout 60 podman rm -af -t 0 &&
      as_owner timeout 20 podman pod rm -af &&
      as_owner timeout 20 podman network prune -f) >/dev/null 2>&1
  fi
  end_processes_naming "$folder/"
  [ "$kind" = rootless ] && id "$name" >/dev/null 2>&1 && end_user
  end_mounts_below "$folder"
  if give_back tun; then chmod 600 /dev/net/tun; fi
  if [ "$kind" = podman ]; then
    ip link del "${name}p" 2>/dev/null
    remove_netavark
    remove_netns_folder
  fi
  end_cgroup "$name"
  rmdir /sys/fs/cgroup/*/libpod_parent /sys/fs/cgroup/libpod_parent /run/runc 2>/dev/null
  remove_folder "$folder"
}

case $command in
  start) start "$5" "$6" ;;
  stop) stop ;;
  cli)
    cd "$folder" || exit 1
    shift 4
    as_owner podman "$@"
    ;;
esac
