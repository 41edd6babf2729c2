#!/bin/sh
# The examples of docs/examples/boards: the program compiles for a Cortex-M and for this machine, and CMake reads the build
# files of ESP-IDF and Zephyr.  Neither is needed for that: a few functions stand for theirs, and check what they get.
# shellcheck disable=SC2086 # flags
set -u
. test/scripts/tap.sh
CC=${CC:-cc}
boards=docs/examples/boards
strict='-std=c11 -Wall -Wextra -Wshadow -Wconversion -Werror -Iinclude -fsyntax-only'
try 'the program compiles' "$CC" $strict $boards/board.c
if have arm-none-eabi-gcc; then
    try 'the program compiles for a Cortex-M' arm-none-eabi-gcc -mcpu=cortex-m55 -mfloat-abi=hard $strict $boards/board.c
else
    skip 'the program compiles for a Cortex-M' 'there is no arm-none-eabi-gcc'
fi
have cmake || { skip 'CMake reads the build files' 'no cmake'; finish; }

cat >"$dir/stubs.cmake" <<'CMAKE'
function(check_sources)
    set(count 0)
    foreach(file IN LISTS ARGN)
        if(file MATCHES "[.]c$" AND NOT file MATCHES "src/main[.]c$")
            if(NOT EXISTS "${file}")
                message(FATAL_ERROR "no file ${file}")
            endif()
            math(EXPR count "${count} + 1")
        endif()
    endforeach()
    if(count LESS 50)
        message(FATAL_ERROR "only ${count} sources")
    endif()
    message(STATUS "${count} sources")
endfunction()
macro(idf_component_register)
    set(COMPONENT_LIB captions)
    check_sources(${ARGN})
endmacro()
macro(find_package name)
    if(NOT "${name}" STREQUAL Zephyr)
        message(FATAL_ERROR "package ${name}")
    endif()
endmacro()
macro(project)
endmacro()
macro(target_sources)
    check_sources(${ARGN})
endmacro()
macro(check_target target scope)
    if(NOT "${target}" MATCHES "^(captions|app)$" OR NOT "${scope}" STREQUAL PRIVATE OR "${ARGN}" STREQUAL "")
        message(FATAL_ERROR "target ${target} ${scope}: ${ARGN}")
    endif()
endmacro()
macro(target_include_directories)
    check_target(${ARGV})
endmacro()
macro(target_compile_definitions)
    check_target(${ARGV})
endmacro()
macro(target_compile_options)
    check_target(${ARGV})
endmacro()
include("${FILE}")
CMAKE
for kind in esp-idf zephyr; do
    for mve in OFF ON; do
        try "CMake reads the build file of $kind, Helium $mve" \
            cmake -DFILE="$PWD/$boards/$kind/CMakeLists.txt" -DLIBCAPTION_MVE=$mve -P "$dir/stubs.cmake"
    done
done
none 'the sources are those of the page' "$(grep -q 'lib/\*.c lib/\*/\*.c kernels/\*.c kernels/ref/\*.c kernels/gemm/\*.c' \
    docs/embedding.md || echo "docs/embedding.md names others")"
none 'every partition has five columns' "$(grep -v '^#' $boards/esp-idf/partitions.csv | awk -F, 'NF != 5')"
finish
