#!/bin/sh
# Programs that were compiled with the header of another version: an older one works and keeps its memory, a newer
# one is refused in words.
set -u
BUILD=${BUILD:-build} MAKE=${MAKE:-make}
programs=$BUILD/test/programs
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
status=0
for program in make_demo older_caller newer_caller; do
    [ -x "$programs/$program" ] && continue
    $MAKE -s BUILD="$BUILD" "$programs/$program" >"$dir/log" 2>&1 || {
        echo "not ok - $program builds"
        sed 's/^/# /' "$dir/log"
        exit 1
    }
done
"$programs/make_demo" "$dir/m.capw" "$dir/p.jpg" >"$dir/log" || exit 1
"$programs/older_caller" "$dir/m.capw" "$dir/p.jpg" || status=1
"$programs/newer_caller" "$dir/m.capw" || status=1
exit $status
