#!/bin/sh
# Includes point one way: lib -> kernels -> lib/platform; nothing in either knows tools, tests or benches; cblas.h
# is seen by one file, image libraries by lib/image; tools keep to the public headers, lib/platform and the tables of
# lib/format.
set -u
status=0
check() { # NAME, FORBIDDEN PATTERN, FILES...
    name=$1 pattern=$2
    shift 2
    found=$(grep -nE "^ *# *include *$pattern" "$@" /dev/null 2>/dev/null)
    if [ -z "$found" ]; then echo "ok - $name"; else
        echo "not ok - $name"
        echo "$found" | sed 's/^/# /'
        status=1
    fi
}
list() { find "$@" -name '*.[ch]' | sort; }
# shellcheck disable=SC2046
{
check 'lib/platform includes nothing of lib or kernels above it' \
    '"(kernels|tools|test|bench|lib/[^p]|lib/p[^l])' $(list lib/platform)
check 'kernels include only kernels and lib/platform' '"(tools|test|bench|lib/[^p]|lib/p[^l])' $(list kernels)
check 'lib includes no tools, tests or benches' '"(tools|test|bench)' $(list lib)
check 'the public headers include nothing of the project but themselves' '"(lib|kernels|tools|test)' $(list include)
check 'tools keep to the public headers, lib/platform and the tables lib/format/layout.h and resnet50.h' \
    '"(kernels|test|bench|lib/[^pf]|lib/p[^l]|lib/format/(metadata|weights))' $(list tools)
check 'lib/layers and lib/decoder do not know the encoder' '"lib/encoder' $(list lib/layers lib/decoder)
check 'cblas.h is seen by one file' '<cblas' $(list lib kernels tools | grep -v kernels/gemm/openblas.c)
check 'jpeglib.h and png.h are seen by lib/image alone' '<(jpeglib|png)\.h' \
    $(list lib kernels tools | grep -v '^lib/image/')
check 'standard input and output are not used by the library' '<stdio_ext|<syslog' $(list lib kernels)
}
exit $status
