# shellcheck shell=bash
# Sourced, not run. Debian packages without touching the machine: an apt whose sources, lists and cache live in one
# folder, that downloads and unpacks, and never installs.

# The Debian mirror this machine already uses: the first address in its own apt sources that ends in /debian.
debian_mirror() {
    local files=()
    for file in /etc/apt/sources.list.d/*.sources /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] && files+=("$file")
    done
    [ "${#files[@]}" -gt 0 ] || return 1
    # deb822 says `URIs: <address>...`; the classic form says `deb [options] <address> <suite>...`. One address a line.
    awk '
        /^URIs:/              { for (i = 2; i <= NF; i++) print $i }
        /^[ \t]*deb(-src)?[ \t]/ { sub(/\[[^]]*\]/, ""); print $2 }
    ' "${files[@]}" | grep -E -m 1 '^(https?|mirror\+https?)://.*/debian/?$'
}

# private_apt_open FOLDER SUITE...: fetches the indexes of these suites into FOLDER.
private_apt_open() {
    APT_FOLDER=$1
    shift
    command -v apt-get dpkg >/dev/null || {
        echo "apt-get and dpkg are not on this machine" >&2
        return 1
    }
    local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg suite
    mirror=$(debian_mirror) || {
        echo "this machine's apt sources name no Debian mirror" >&2
        return 1
    }
    rm -rf "$APT_FOLDER"
    mkdir -p "$APT_FOLDER"/{lists/partial,cache/archives/partial,sources.d}
    for suite in "$@"; do
        printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n' "$mirror" "$suite"
        [ -f "$keyring" ] && printf 'Signed-By: %s\n' "$keyring"
        printf '\n'
    done >"$APT_FOLDER/sources.d/debian.sources"
    private_apt apt-get -qq update
}

# private_apt COMMAND...: an apt command that sees that folder only. A mirror that doesn't answer may not hold up a test
# run, so it is given up on soon. apt would fetch as the user _apt, to whom mktemp's folders are closed: it stays who we are.
private_apt() {
    local command=$1
    shift
    "$command" -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$APT_FOLDER/sources.d" \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
        -o Dir::State::lists="$APT_FOLDER/lists" -o Dir::Cache="$APT_FOLDER/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
        -o APT::Sandbox::User=root "$@"
}

# unpack_package NAME[=VERSION] INTO: one package's files, unpacked under INTO; its version is in UNPACKED_VERSION.
unpack_package() {
    local into=$2 download
    download=$(mktemp -d "$APT_FOLDER/download.XXXXXX")
    (cd "$download" && private_apt apt-get -qq download "$1") || return 1
    mkdir -p "$into"
    dpkg -x "$download"/*.deb "$into"
    # shellcheck disable=SC2034 # the caller reads it
    UNPACKED_VERSION=$(dpkg-deb --field "$download"/*.deb Version)
    rm -rf "$download"
}
