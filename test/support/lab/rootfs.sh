#!/bin/bash
# A root file system that holds the named programs, the libraries they load, and nothing else: an
# image without a registry, with exactly the tools a test wants to be there or to be missing.
#   rootfs.sh FILE.tar PART...
#   PART: busybox (static, sh and every applet) | dash (a shell and nothing more) | bash | socat | node
#         | python=INTERPRETER:STDLIB:SITE_PACKAGES | tree=FOLDER:PLACE
set -eu
archive=$1
shift
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
mkdir -p "$root"/{tmp,proc,dev,sys,etc,run,root,home/ioc,opt,usr/bin,usr/lib,usr/lib64,usr/lib/x86_64-linux-gnu}
chmod 1777 "$root/tmp"
chown 1000:1000 "$root/home/ioc"
for folder in bin sbin; do ln -s usr/bin "$root/$folder"; done
for folder in lib lib64; do ln -s "usr/$folder" "$root/$folder"; done
printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\nioc:x:1000:1000::/home/ioc:/bin/sh\n' >"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\nioc:x:1000:\n' >"$root/etc/group"
printf 'hosts: files\n' >"$root/etc/nsswitch.conf"
printf 'ID=lab\nNAME=lab\n' >"$root/etc/os-release"

# with_libraries FILE...: what the dynamic linker would load for these, at the same places. Those
# that lie in the image already, or came with a tree, are left as they are.
with_libraries() {
  local file library
  for file in "$@"; do
    { ldd "$file" 2>/dev/null || true; } | grep -oE '(=> )?/[^ ]+ \(' | sed 's/^=> //; s/ ($//' | while read -r library; do
      case $library in */.cache/* | */site-packages/*) continue ;; esac
      [ -e "$root$library" ] || { mkdir -p "$root$(dirname "$library")" && cp -L "$library" "$root$library"; }
    done
  done
}

# program FILE [NAME]: copied to /usr/bin, whatever link it was found by.
program() {
  local file
  file=$(readlink -f "$(command -v "$1")")
  cp "$file" "$root/usr/bin/${2:-$(basename "$1")}"
  with_libraries "$file"
}

add() {
  local interpreter stdlib packages version
  case $1 in
    busybox)
      program busybox
      for applet in $(busybox --list); do
        [ -e "$root/usr/bin/$applet" ] || ln -s busybox "$root/usr/bin/$applet"
      done ;;
    dash) program dash && ln -sf dash "$root/usr/bin/sh" ;;
    bash | socat | node) program "$1" ;;
    python=*)
      IFS=: read -r interpreter stdlib packages <<<"${1#python=}"
      program "$interpreter" python3
      # The interpreter looks for its library relative to where it lies, by this very name.
      version=$(basename "$stdlib")
      mkdir -p "$root/usr/lib/$version" "$root/opt/python"
      tar c -C "$stdlib" --exclude=./test --exclude=./idlelib --exclude='./config-*' --exclude=./ensurepip \
        --exclude=./dist-packages --exclude=./site-packages --exclude=__pycache__ . | tar x -C "$root/usr/lib/$version"
      tar c -C "$packages" --exclude=./pip --exclude=./nose2 --exclude='*/tests' . | tar x -C "$root/opt/python"
      with_libraries $(find "$stdlib/lib-dynload" "$packages" -name '*.so*' -type f) ;;
    tree=*)
      IFS=: read -r stdlib packages <<<"${1#tree=}"
      mkdir -p "$root$packages"
      cp -a "$stdlib/." "$root$packages/"
      with_libraries $(find "$stdlib" -type f \( -name '*.so*' -o -perm -u+x \)) ;;
    *) echo "rootfs.sh: no part '$1'" >&2 && exit 1 ;;
  esac
}

for part in "$@"; do add "$part"; done
tar c --numeric-owner --owner=0 --group=0 -C "$root" . >"$archive.$$"
mv "$archive.$$" "$archive"
