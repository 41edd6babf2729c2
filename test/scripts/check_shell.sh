#!/bin/sh
# Scripts, and the completions for bash, as shellcheck likes them.
set -u
. test/scripts/tap.sh
have shellcheck || { skip scripts 'no shellcheck'; finish; }
find tools test bench docs -name '*.sh' -o -name '*.sbatch' -o -name '*.bash' -o -path '*/completions/bash/*' | sort >"$dir/files"
echo .ci/run >>"$dir/files"
# shellcheck disable=SC2046
try 'shellcheck finds nothing' shellcheck -x $(cat "$dir/files")
finish
