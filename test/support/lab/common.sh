# Shared by docker.sh and podman.sh: ending what one throw-away engine has started, and only that.
PATH=$PATH:/usr/sbin:/sbin

# is_alive PID COMM: runs, under that name (numbers are used again), and is no zombie.
is_alive() {
  [ -n "${1:-}" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = "$2" ] &&
    [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null)" != Z ]
}

# end_process PID COMM: asks, waits for it, then insists.
end_process() {
  is_alive "$1" "$2" || return 0
  kill -TERM "$1" 2>/dev/null
  for _ in $(seq 200); do is_alive "$1" "$2" || return 0; sleep 0.05; done
  kill -KILL "$1" 2>/dev/null
}

# end_processes_naming TEXT: every process of an engine with its folder in the command line or, as a
# command on the engine's storage has it, in the environment.
end_processes_naming() {
  local process pid
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    [ "$pid" = $$ ] || [ "$pid" = "$PPID" ] || [ "$pid" = "$BASHPID" ] && continue
    { cat "$process/cmdline" "$process/environ" | tr '\0' ' '; } 2>/dev/null | grep -qF -- "$1" || continue
    case $(cat "$process/comm" 2>/dev/null) in
      containerd-shim* | docker-proxy | containerd | runc* | crun | conmon | slirp4netns | rootlessport* | \
        exe | aardvark-dns | netavark | podman* | catatonit | fuse-overlayfs)
        kill -KILL "$pid" 2>/dev/null ;;
    esac
  done
}

# end_cgroup NAME: kills what still runs in it and removes it, on cgroup v1 and v2.
end_cgroup() {
  local directory
  for directory in "/sys/fs/cgroup/$1" /sys/fs/cgroup/*/"$1"; do
    [ -d "$directory" ] || continue
    for _ in $(seq 100); do
      find "$directory" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u | xargs -r kill -KILL 2>/dev/null
      find "$directory" -depth -type d -exec rmdir {} + 2>/dev/null
      [ -d "$directory" ] || break
      sleep 0.02
    done
  done
}

end_mounts_below() {
  local mount
  awk -v folder="$1/" 'index($5, folder) == 1 {print $5}' /proc/self/mountinfo | sort -r |
    while read -r mount; do umount -l "$mount"; done
}

# remove_folder FOLDER: who it belongs to goes last, so that a stop that was cut short is seen again.
remove_folder() {
  find "$1" -mindepth 1 -maxdepth 1 ! -name owner.json -exec rm -rf --one-file-system {} +
  rm -rf --one-file-system "$1"
}
