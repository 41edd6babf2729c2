# shellcheck shell=sh
# What the scripts of this folder share: `. test/scripts/tap.sh`.  It makes an empty folder, $dir, which goes away at
# the end.  A script ends with `finish`.
status=0
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

# NAME, COMMAND...: the command succeeds; what it printed is shown where it doesn't
try() {
    name=$1
    shift
    if "$@" >"$dir/try.log" 2>&1; then echo "ok - $name"; else
        echo "not ok - $name"
        grep -vE '^ +(CC|AS|AR|LD|MAN) ' "$dir/try.log" | tail -n 60 | sed 's/^/# /'
        status=1
    fi
}

# NAME, PATTERN: the last command that was tried printed it, or, for unsaid, didn't
said() { none "$1" "$(grep -q -- "$2" "$dir/try.log" || { echo "no $2 in:"; cat "$dir/try.log"; })"; }
unsaid() { none "$1" "$(grep -- "$2" "$dir/try.log")"; }

# NAME, OFFENDERS: there are none
none() {
    if [ -z "$2" ]; then echo "ok - $1"; else
        echo "not ok - $1"
        echo "$2" | sed 's/^/# /'
        status=1
    fi
}

# NAME, REASON
skip() { echo "ok - $1 # SKIP $2"; }

# NAME, SCRIPT, ARGUMENTS...: a Python script that drives a browser and prints TAP lines.  Its limit of time is far above
# what a loaded machine needs
browse() {
    name=$1 script=test/scripts/$2
    shift 2
    timeout 900 python3 "$script" "$@" >"$dir/tap" 2>"$dir/browser"
    code=$?
    cat "$dir/tap"
    if grep -q '^not ok' "$dir/tap"; then status=1; fi
    none "$name: the browser went through all of it" "$([ $code = 0 ] || grep '^not ok' "$dir/tap" || cat "$dir/browser")"
}

have() { command -v "$1" >/dev/null 2>&1; }
finish() { exit $status; }
