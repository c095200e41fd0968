#!/bin/bash
# A throw-away Docker daemon beside any other: own bridge, no iptables, everything below one folder.
#   docker.sh start FOLDER NAME docker SUBNET POOL   returns when it was started, not when it answers
#   docker.sh stop  FOLDER NAME docker               leaves no process, mount, bridge or cgroup; works
#                                                    after a crash
# NAME names the bridge and the cgroup. Published ports go through docker-proxy only, and there is
# no NAT to the outside: nothing in these tests needs it.
set -u
. "$(dirname "$0")/common.sh"
command=$1 folder=$2 name=$3
export DOCKER_HOST=unix://$folder/engine.sock

start() {
  local subnet=$1 pool=$2
  ip link add "$name" type bridge && ip addr add "$subnet" broadcast + dev "$name" && ip link set "$name" up || exit 1
  setsid dockerd --host "$DOCKER_HOST" --data-root "$folder/data" --exec-root "$folder/exec" \
    --pidfile "$folder/engine.pid" --bridge "$name" --iptables=false --ip6tables=false --ip-masq=false \
    --default-address-pool "base=$pool,size=26" --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/$name" \
    --shutdown-timeout 3 >"$folder/engine.log" 2>&1 </dev/null &
}

remove_networks() {
  local bridge
  for bridge in $(ip -o link show type bridge | awk -F': ' '$2 ~ /^br-/ {print $2}'); do
    grep -aqs -- "$bridge" "$folder/data/network/files/local-kv.db" && ip link del "$bridge"
  done
}

stop() {
  local daemon ids
  daemon=$(cat "$folder/engine.pid" 2>/dev/null)
  if is_alive "$daemon" dockerd; then
    ids=$(timeout 20 docker ps -aq 2>/dev/null)
    [ -n "$ids" ] && timeout 30 docker rm -fv $ids >/dev/null
    end_process "$daemon" dockerd
  fi
  # What a killed daemon leaves: its containerd, then shims and proxies that name our folder.
  end_process "$(cat "$folder/exec/containerd/containerd.pid" 2>/dev/null)" containerd
  end_processes_naming "$folder/"
  end_cgroup "$name"
  end_mounts_below "$folder"
  end_cgroup "$name"
  remove_networks
  ip link del "$name" 2>/dev/null
  remove_folder "$folder"
}

case $command in
  start) start "$5" "$6" ;;
  stop) stop ;;
esac
