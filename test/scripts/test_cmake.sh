#!/bin/sh
# find_package(libcaption) in CMake projects in C and in C++, with the shared and the static library, after the
# installation moved to another folder.
set -u
. test/scripts/tap.sh
BUILD=${BUILD:-build} MAKE=${MAKE:-make} VERSION=${VERSION:?}
have cmake || { skip 'find_package(libcaption)' 'no cmake'; finish; }
case $BUILD in /*) ;; *) BUILD=$(pwd)/$BUILD ;; esac
try 'install' "$MAKE" -s BUILD="$BUILD" DESTDIR="$dir/stage" PREFIX=/opt/caption install
mv "$dir/stage/opt/caption" "$dir/moved"
try 'a model and a picture' "$BUILD/test/programs/make_demo" "$dir/m.capw" "$dir/p.jpg"

mkdir "$dir/project"
cat >"$dir/project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.5)
project(user ${LANGUAGE})
find_package(libcaption ${WANTED} REQUIRED)
find_package(libcaption REQUIRED)
get_target_property(kind libcaption::caption TYPE)
message(STATUS "caption: ${kind}, version ${libcaption_VERSION}")
add_executable(user main.${ENDING})
target_link_libraries(user PRIVATE libcaption::caption)
CMAKE
# the same program is C and C++
cat >"$dir/project/main.c" <<'PROGRAM'
#include <caption.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    caption_model *model = NULL;
    caption_session *session = NULL;
    const caption_result *result = NULL;
    caption_error error;
    if (argc != 3 || caption_model_open_file(&model, argv[1], NULL, &error) != CAPTION_OK) return 1;
    if (caption_session_create(&session, model, NULL, &error) != CAPTION_OK) return 1;
    if (caption_file(session, argv[2], NULL, &result, &error) != CAPTION_OK) return 1;
    printf("%s\n", result->captions[0].text);
    caption_session_close(&session);
    caption_model_close(&model);
    return 0;
}
PROGRAM
cp "$dir/project/main.c" "$dir/project/main.cpp"
# CMake takes one word for the compiler
CC=$(printf '%s' "${CC:-cc}" | awk '{print $NF}') CXX=$(printf '%s' "${CXX:-c++}" | awk '{print $NF}')
export CC CXX

# shellcheck disable=SC2317 # `try` calls it
configure() { # FOLDER, LANGUAGE, ENDING, OPTIONS...
    folder=$dir/$1 language=$2 ending=$3
    shift 3
    rm -rf "$folder"
    mkdir "$folder"
    (cd "$folder" && cmake -DCMAKE_PREFIX_PATH="$dir/moved" -DLANGUAGE="$language" -DENDING="$ending" "$@" ../project)
}
project() { # NAME, LANGUAGE, ENDING, KIND, OPTIONS...
    what=$1 language=$2 ending=$3 kind=$4
    shift 4
    try "$what: configure" configure out "$language" "$ending" "$@"
    said "$what: it is the $kind library, version $VERSION" "caption: ${kind}_LIBRARY, version $VERSION"
    try "$what: build" cmake --build "$dir/out"
    try "$what: run" sh -c "'$dir/out/user' '$dir/m.capw' '$dir/p.jpg' >'$dir/said' && grep -q '[a-z]' '$dir/said'"
    # a static build doesn't need the shared library when it runs
    if have readelf; then
        needed=$(readelf -d "$dir/out/user" | grep -c 'NEEDED.*libcaption')
        try "$what: linked as said" test "$kind$needed" = SHARED1 -o "$kind$needed" = STATIC0
    fi
}
major=${VERSION%%.*}
project 'C, shared' C c SHARED -DWANTED="$VERSION"
project 'C, static by choice' C c STATIC -Dlibcaption_USE_STATIC_LIBS=ON
if have "$CXX"; then
    project 'C++, shared' CXX cpp SHARED -DWANTED="$major"
    project 'C++, static by choice' CXX cpp STATIC -Dlibcaption_USE_STATIC_LIBS=ON
else
    skip 'C++' 'no C++ compiler'
fi
try 'a newer version is refused' sh -c "! (mkdir '$dir/newer' && cd '$dir/newer' &&
    cmake -DCMAKE_PREFIX_PATH='$dir/moved' -DLANGUAGE=C -DENDING=c -DWANTED=$major.999 ../project)"
said 'in words' "version: $VERSION"
rm -f "$dir"/moved/lib/libcaption.so*
project 'C, where there is no shared library' C c STATIC
finish
