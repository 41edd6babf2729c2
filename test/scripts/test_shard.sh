#!/bin/sh
# capbatch over a tar of many images of which one in a hundred is damaged, in ten ways: all others are captioned, what
# failed is listed, and memory doesn't grow with the number of images.
#   IMAGES=10000 sh test/scripts/test_shard.sh    more of them; MODEL=FILE: with another model than a random one;
#   JPEGS='a.jpg b.jpg': of other pictures
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build} IMAGES=${IMAGES:-1000} MODEL=${MODEL:-} JPEGS=${JPEGS:-test/vectors/a.jpg test/vectors/b.jpg}
have python3 || { skip 'a tar of many images' 'there is no python3'; finish; }
grep -q 'WAS_ARCHIVE := 1' "$BUILD/config.mk" || { skip 'a tar of many images' 'this build reads no tars'; finish; }

"$BUILD/test/programs/make_demo" "$dir/m.capw" "$dir/demo.jpg" >/dev/null || exit 1
MODEL=${MODEL:-$dir/m.capw}
few=$((IMAGES / 10))
for n in $few "$IMAGES"; do
    # shellcheck disable=SC2086 # several names
    python3 test/scripts/make_shard.py "$n" "$dir/$n.tar" "$dir/demo.jpg" $JPEGS || exit 1
done

# runs capbatch over N images; prints its exit code and the most memory that it had, in KB
cat >"$dir/run.py" <<'PYTHON'
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
PYTHON
for n in $few "$IMAGES"; do
    python3 "$dir/run.py" "$BUILD/capbatch" -q -m "$MODEL" --threads 2 -o "$dir/$n.jsonl" "$dir/$n.tar" \
        >"$dir/$n.run" 2>"$dir/$n.err"
done

try 'the exit code says that some failed' test "$(cut -d ' ' -f 1 "$dir/$IMAGES.run")" = 1
awk -v n="$IMAGES" 'BEGIN { for (i = 0; i < n; i++) if (i % 100 != 50) printf "%06d.jpg\n", i }' >"$dir/wanted"
sed -n 's/.*\/\([0-9]*\.jpg\)", "caption": .*/\1/p' "$dir/$IMAGES.jsonl" >"$dir/got"
try 'all images are captioned but the damaged ones' cmp "$dir/wanted" "$dir/got"
# the names of members whose headers are gone are gone, too: the place in the tar is told
listed=$(grep -c '"error": ' "$dir/$IMAGES.jsonl")
try 'each damage is listed' test "$listed" -ge $((IMAGES / 100))
for way in 0 1 2 3 4; do
    member=$(awk -v n="$IMAGES" -v way=$way 'BEGIN { for (i = 50; i < n; i += 100) if (int(i / 100) % 10 == way) printf "%06d.jpg\n", i }')
    for name in $member; do
        grep -q "$IMAGES.tar/$name: ." "$dir/$IMAGES.err" || echo "$name"
    done
done >"$dir/unlisted"
none 'with its name and the reason, where there is a name' "$(cat "$dir/unlisted")"
try 'the others with their place' grep -q "$IMAGES.tar: damaged near byte" "$dir/$IMAGES.err"
small=$(cut -d ' ' -f 2 "$dir/$few.run") large=$(cut -d ' ' -f 2 "$dir/$IMAGES.run")
echo "# memory: $small KB for $few images, $large KB for $IMAGES; $listed failures listed"
if [ -f "$BUILD/config.mk" ] && grep -q 'sanitize' "$BUILD/config.mk"; then
    skip 'memory is flat' 'sanitizers keep what was freed'
else
    try 'memory is flat' test "$large" -le $((small + 16384))
fi
finish
