#!/bin/sh
# The commands of docs/embedding.md for a build without make: they link and caption on this machine, and compile for
# a Cortex-M without a warning.
# shellcheck disable=SC2016,SC2317 # the page's commands have variables of their own; `follow` runs through `try`
set -u
. test/scripts/tap.sh
CC=${CC:-cc}
page=docs/embedding.md

# the lines of the page's block from LEFT_OUT= to the compiler's call
sed -n '/^    LEFT_OUT=/,/^    \$CC /s/^    //p' $page >"$dir/commands"
none 'the page has the commands' "$(grep -q '^\$CC .* program\.c ' "$dir/commands" || echo "no call of \$CC in $page")"
[ $status = 0 ] || finish

# COMPILER AND ITS FLAGS, EDIT OF SED: runs the commands
follow() {
    sed "$2" "$dir/commands" >"$dir/edited"
    CC="$1" DIR="$dir" sh -e "$dir/edited"
}
# test/programs/firmware.c stands for a program; it makes its model itself
try 'the named files link' follow "$CC -ffp-contract=off" \
    's! program\.c -lm -o program! test/programs/firmware.c test/make_model.c -lm -o "$DIR/program"!'
[ $status = 0 ] && try 'and caption' "$dir/program"

strict='-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Werror'
if have arm-none-eabi-gcc; then
    for core in cortex-m4 cortex-m7 cortex-m55; do
        # without a program there is nothing to link: one object after the other, to nowhere
        try "they compile for $core" follow "arm-none-eabi-gcc -mcpu=$core -mthumb -mfloat-abi=hard $strict" \
            's!^\$CC \(.*\) \$FILES .*!for f in $FILES; do $CC \1 -c "$f" -o "$DIR/object.o"; done!'
    done
else
    skip 'they compile for Cortex-M' 'there is no arm-none-eabi-gcc'
fi
finish
