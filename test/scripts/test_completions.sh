#!/bin/sh
# What bash, zsh and fish offer after the tools' names: the options in --help and no others, the values of options,
# files with the endings that are wanted.  Each shell runs its own completion, in offer.SHELL.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build}
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac
root=$(pwd) tab=$(printf '\t')
export PATH="$BUILD:$PATH" HOME="$dir" LC_ALL=C
mkdir -p "$dir/files/d" "$dir/planted"
for file in m.capw p.jpg Q.PNG w.webp c.pth v.pkl r.csv t.tsv j.json n.txt s.tar; do : >"$dir/files/$file"; done

printf '%s\n' capdemo capbatch 'capbatch merge' capconvert capinfo capdump 'capeval run' 'capeval score' capeval >"$dir/commands"
[ ! -x "$BUILD/capserve" ] || echo capserve >>"$dir/commands"

# a line, a tab, and what is offered at its end
cat >"$dir/values" <<VALUES
capeval ${tab}run score
capdemo ${tab}Q.PNG d p.jpg w.webp
capbatch ${tab}Q.PNG d merge p.jpg s.tar w.webp
capbatch m.capw ${tab}Q.PNG d p.jpg s.tar w.webp
capbatch merge ${tab}d r.csv t.tsv
capbatch --format ${tab}csv jsonl tar tsv
capdump -m m.capw p${tab}p.jpg
capinfo ${tab}d m.capw
capinfo --model=m${tab}m.capw
capeval run --compare ${tab}d m.capw
capconvert ${tab}c.pth d m.capw
capconvert --int8 --calibrate ${tab}Q.PNG c.pth d j.json m.capw n.txt p.jpg r.csv s.tar t.tsv v.pkl w.webp
capconvert --vocab ${tab}d j.json v.pkl
capconvert --config ${tab}d j.json
capeval run --images ${tab}d
capeval score --refs ${tab}d n.txt r.csv
capeval score ${tab}d j.json n.txt t.tsv
capdemo -o r${tab}r.csv
capdemo --beams ${tab}
capdemo --penalty ${tab}
capdemo --cpu=avx512${tab}avx512 avx512vnni
VALUES

# COMMAND: its options, as --help has them; those with fixed values, which its message for a wrong value lists
options() { $1 --help | sed -nE 's/^  ((-[[:alnum:]]), )?(--[a-z0-9-]+).*/\2 \3/p' | tr ' ' '\n' | sed '/^$/d' | sort; }
chosen() { $1 --help | sed -nE 's/^  (--[a-z0-9-]+) (LEVEL|KIND|FORM)( .*|$)/\1/p'; }
choices() { $1 "$2" '?' 2>&1 | sed -n 's/.* is not one of //p' | tr -d ' ' | tr , '\n' | sort; }

# SHELL: completes the lines of standard input, into $dir/offered
offer() {
    case $1 in
    bash) set -- bash --norc --noprofile "$root/test/scripts/offer.bash" "$root/tools/completions/bash" ;;
    zsh) set -- zsh -f "$root/test/scripts/offer.zsh" "$root/tools/completions/zsh" ;;
    fish) set -- fish --no-config "$root/test/scripts/offer.fish" "$root/tools/completions/fish" ;;
    esac
    if have timeout; then set -- timeout 60 "$@"; fi
    (cd "$dir/files" && "$@") >"$dir/offered" 2>"$dir/complaints"
}

# LINE: what was offered for it
offered() { sed -n "s/^$1$tab//p" "$dir/offered" | sed 's/^--[a-z0-9-]*=//; s|/$||' | sort -u; }

# WORDS on lines, LINE: how they differ from what was offered for LINE
differ() { echo "$1" | sed '/^$/d' >"$dir/expected"; offered "$2" | diff "$dir/expected" -; }

check() { # COMMAND, SHELL
    none "$2: $1 has the options in its --help and no others" "$(differ "$(options "$1")" "$1 -")"
    none "$2: $1 has the long ones after --" "$(differ "$(options "$1" | grep -e --)" "$1 --")"
    for option in $(chosen "$1"); do
        none "$2: $1 $option has the values that it takes" "$(differ "$(choices "$1" "$option")" "$1 $option ")"
    done
}

{
    cut -f 1 "$dir/values"
    while read -r command; do
        printf '%s -\n%s --\n' "$command" "$command"
        for option in $(chosen "$command"); do echo "$command $option "; done
    done <"$dir/commands"
} >"$dir/lines"
try 'capdemo has options' test "$(options capdemo | grep -cxe --model -e -m -e --cpu)" = 3
try 'some of them with fixed values' test "$(chosen capdemo | tr '\n' ' ')" = '--map --colors --penalty-form --cpu --conv '
try '--cpu names its values' sh -c "echo '$(choices capdemo --cpu)' | grep -qx avx512"

# a capdemo whose --help is another one's: the check finds what is missing and what is too much
printf '#!/bin/sh\n%s --help | sed "s/--json   /--planted/"\n' "$BUILD/capdemo" >"$dir/planted/capdemo"
chmod +x "$dir/planted/capdemo"

for shell in bash zsh fish; do
    have $shell || { skip "$shell completes" "no $shell"; continue; }
    for file in "tools/completions/$shell"/*; do try "$shell reads $file" $shell -n "$file"; done
    if [ $shell = zsh ] && ! zsh -fc 'zmodload zsh/zpty' 2>/dev/null; then
        skip 'zsh completes' 'this zsh has no zsh/zpty'
        continue
    fi
    offer $shell <"$dir/lines"
    none "$shell: nothing is complained of" "$(cat "$dir/complaints")"
    while read -r command; do check "$command" $shell; done <"$dir/commands"
    while IFS=$tab read -r line words; do
        none "$shell: '$line' goes on with ${words:-nothing}" "$(differ "$(echo "$words" | tr ' ' '\n')" "$line")"
    done <"$dir/values"
    echo 'capdemo --' | PATH="$dir/planted:$PATH" offer $shell
    difference=$(differ "$(options capdemo | grep -e --)" 'capdemo --' | grep '^[<>]' | tr '\n' ' ')
    try "$shell: a planted difference is found" test "$difference" = '< --json > --planted '
done
finish
