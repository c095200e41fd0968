/**
 * The look commands (src/services/discovery/detect/parseLook.ts) for a plain POSIX shell: busybox,
 * dash, bash. Run as `sh -c LOOK_SHELL`. The look that is repeated uses builtins only, so it starts
 * no process. The script ends when its input does, because a program started by an exec outlives
 * the exec's connection otherwise; where `read` has a time limit (not in dash), it also ends when
 * nothing was asked for half a minute.
 */
export const LOOK_SHELL = `
section() { printf '\\n%s %s\\n' "$m" "$*"; }
lines() { [ -r "$1" ] && while IFS= read -r l || [ -n "$l" ]; do printf '%s\\n' "$l"; done <"$1"; }
whole() { if [ "$cat" ]; then cat "$1"; else lines "$1"; fi; }
exec 2>/dev/null
cat=; command -v cat >/dev/null && cat=1
limit=; (read -t 1 x </dev/null); [ $? -lt 2 ] && limit='-t 30'
while read $limit -r m k p; do
  case $k in
  c) for f in sockstat sockstat6; do section $f; lines /proc/net/$f; done;;
  s) for f in tcp tcp6 udp udp6; do section $f; whole /proc/net/$f; done;;
  f) section looker; echo $$
     section fds; ls -l /proc/[0-9]*/fd
     section stats; if [ "$cat" ]; then cat /proc/[0-9]*/stat; else for f in /proc/[0-9]*/stat; do lines $f; done; fi;;
  p) for q in $p; do
       for f in stat cmdline environ; do section $f $q; whole /proc/$q/$f; done
       section cwd $q; readlink /proc/$q/cwd
     done;;
  t) for q in $p; do section stat $q; lines /proc/$q/stat; done;;
  e|m) for f in stat status; do section $f $p; whole /proc/$p/$f; done
     [ $k = e ] && f=environ || f=maps
     section $f $p; whole /proc/$p/$f;;
  esac
  section end
done
`;
