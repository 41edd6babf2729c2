#!/bin/sh
# What CONTRIBUTING.md says of the dialect and a script can see: braces, parameters, the length of functions and files,
# and comments that name a caller.  Each check is tried on a file with planted offenders first.
set -u
. test/scripts/tap.sh

# statements whose body stands on the next line without braces
braces() {
    awk '
    FNR == 1 { open = 0 }
    { line = $0; sub(/[ \t]*(\/\*.*\*\/)?[ \t]*$/, "", line) }
    !open && line ~ /^[ \t]*(\} else |else )?(if|for|while) \(/ { open = 1; depth = 0 }
    open {
        text = line
        depth += gsub(/\(/, "", text) - gsub(/\)/, "", text)
        if (depth <= 0) { open = 0; if (line ~ /\)$/) print FILENAME ":" FNR ": " line }
    }
    line ~ /^[ \t]*(\} )?else$/ { print FILENAME ":" FNR ": " line }' "$@"
}

# functions, prototypes and types of functions with more than six parameters
parameters() {
    awk '
    FNR == 1 { text = ""; depth = 0; comment = 0; macro = 0 }
    {
        line = $0
        if (macro || line ~ /^ *#/) { macro = line ~ /\\$/; next }
        while (1) { # comments and strings away
            if (comment) {
                if (!(at = index(line, "*/"))) { line = ""; break }
                line = substr(line, at + 2)
                comment = 0
            }
            gsub(/"([^"\\]|\\.)*"/, "S", line)
            gsub(/\047([^\047\\]|\\.)+\047/, "C", line)
            if (!(at = index(line, "/*"))) break
            rest = substr(line, at + 2)
            if (end = index(rest, "*/")) { line = substr(line, 1, at - 1) " " substr(rest, end + 2) }
            else { line = substr(line, 1, at - 1); comment = 1; break }
        }
        if (line ~ /^extern S \{$/) next
        for (i = 1; i <= length(line); i++) {
            c = substr(line, i, 1)
            if (c == "{") { if (depth == 0) { end_of(text); text = "" } depth++ }
            else if (c == "}") { if (depth > 0) depth--; text = "" }
            else if (depth == 0 && c == ";") { end_of(text); text = "" }
            else if (depth == 0) { if (text == "" && c != " ") first = FNR; text = text c }
        }
        if (text != "") text = text " "
    }
    # counts the commas of the last group of parentheses
    function end_of(text,    i, c, level, commas) {
        gsub(/__attribute__ *\(\([^()]*(\([^()]*\))?[^()]*\)\)/, "", text)
        if (text ~ /=/ || text !~ /\) *$/) return
        for (i = length(text); i > 0; i--) {
            c = substr(text, i, 1)
            if (c == ")") level++
            if (c == "(" && --level == 0) break
            if (c == "," && level == 1) commas++
        }
        if (commas > 5) {
            text = substr(text, 1, i - 1)
            sub(/[ )]*$/, "", text)
            sub(/^.*[ *(]/, "", text)
            print FILENAME ":" first ": " text " has " commas + 1 " parameters"
        }
    }' "$@"
}

# functions of more than 80 lines, from the name to the last brace
long_functions() {
    awk '
    FNR == 1 { start = 0 }
    /^[A-Za-z_].*\(/ && !inside { start = FNR; name = $0 }
    /^\{/ { inside = 1 }
    /^\}/ {
        if (inside && start && FNR - start + 1 > 80) print FILENAME ":" start ": " FNR - start + 1 " lines: " name
        inside = start = 0
    }' "$@"
}
long_files() { awk 'FNR > 640 { print FILENAME ": more than 640 lines"; nextfile }' "$@"; }
callers() { grep -nE '(\*|//|#).*(Called (by|from)|(is|are) called by) ' "$@" /dev/null; }

# ---- planted offenders ----

cat >"$dir/bad.c" <<'C'
#define SEVEN(a, b, c, d, e, f, g) (a)
typedef int (*seven_fn)(int a, int b, int c, int d, int e, int f, int g);
static int eight(int a, int (*call)(int x, int y), int c, int d, /* , */
                 int e, int f, int g, int h);
static int six(int a, int b, int c, int d, int e, int f);
static const int table[] = {F(1, 2, 3, 4, 5, 6, 7)};
int main(void)
{
    if (six(1, 2, 3, 4, 5,
            6))
        return 1;
    else
        return seven(1, 2, 3, 4, 5, 6, 7);
    do {
    } while (0);
    for (;;) {
    }
}
/* Called by main. */
C
{
    echo 'static void longest(void)'
    echo '{'
    for _ in 1 2 3 4 5 6 7 8; do printf '\n\n\n\n\n\n\n\n\n\n'; done
    echo '}'
} >>"$dir/bad.c"
try 'planted braces are found' test "$(braces "$dir/bad.c" | cut -d: -f2 | tr '\n' ' ')" = '10 12 '
try 'planted parameters are found' test "$(parameters "$dir/bad.c" | sed 's/^.*: //' | tr '\n' ' ')" = \
    'seven_fn has 7 parameters eight has 8 parameters '
try 'a planted long function is found' test "$(long_functions "$dir/bad.c" | sed 's/^.*: //')" = 'static void longest(void)'
try 'a planted caller is found' test "$(callers "$dir/bad.c" | wc -l)" -eq 1

# ---- the tree ----

# shellcheck disable=SC2046
{
set -- $(find lib kernels tools include bench test -name '*.[ch]' | sort)
none 'no comment names a caller' "$(callers "$@" $(find tools test bench weights -name '*.sh' ! -name check_dialect.sh -o -name '*.py'))"
none 'a body on a line of its own has braces' "$(braces "$@")"
# caption_model_init was published with seven; libmicrohttpd calls on_request with eight
none 'at most six parameters' "$(parameters "$@" |
    grep -vE ': caption_model_init has 7 |^tools/serve/http.c:[0-9]+: on_request has 8 ')"
none 'functions of at most 80 lines' "$(long_functions "$@")"
set -- $(find lib kernels tools -name '*.[ch]' | sort)
none 'files of about 600 lines at most' "$(long_files "$@")"
}
finish
