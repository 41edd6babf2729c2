#!/bin/sh
# Every header compiles alone: the public ones as C99, C11 and C++, strictly; the others as C11.  CC and CXX may be
# several words, such as "ccache cc".
set -u
. test/scripts/tap.sh
CC=${CC:-cc} CPPFLAGS_ALL=${CPPFLAGS_ALL:--Iinclude -I.}
CXX=${CXX:-c++}
strict='-Wall -Wextra -Wshadow -Wconversion -Wundef -pedantic -Werror -fsyntax-only'
for h in caption.h capw.h; do
    printf '#include <%s>\nint main(void) { return 0; }\n' $h >"$dir/one.c"
    cp "$dir/one.c" "$dir/one.cpp"
    # shellcheck disable=SC2086
    {
    try "$h as C99" $CC -std=c99 $strict -Iinclude "$dir/one.c"
    try "$h as C11" $CC -std=c11 $strict -Iinclude "$dir/one.c"
    if have "${CXX%% *}"; then
        try "$h as C++11" $CXX -std=c++11 $strict -Iinclude "$dir/one.cpp"
        try "$h as C++17" $CXX -std=c++17 $strict -Iinclude "$dir/one.cpp"
    else
        skip "$h as C++" 'no C++ compiler'
    fi
    }
done
: >"$dir/all.log"
for h in $(find lib kernels tools test -name '*.h' ! -path 'kernels/simd/*' | sort); do
    printf '#include "%s"\nextern int unused;\n' "$h" >"$dir/one.c"
    # the flags hold quotes, which eval takes away
    eval "$CC -std=c11 -Wall -Wextra -Werror -fsyntax-only $CPPFLAGS_ALL $dir/one.c" >>"$dir/all.log" 2>&1 ||
        echo "$h does not compile alone" >>"$dir/all.log"
done
none 'internal headers compile alone' "$(cat "$dir/all.log")"
finish
