#!/bin/sh
# Installs the compilers and emulators of `make check-neon`, `make check-cortex-m` and `make check-wasm`, on Debian and
# Ubuntu; elsewhere names the programs.  Does nothing, and needs no rights, when everything is there.
set -u
packages='gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
    clang-16 lld-16 wasi-libc libclang-rt-16-dev-wasm32 nodejs'
missing=
for tool in arm-none-eabi-gcc qemu-system-arm aarch64-linux-gnu-gcc qemu-aarch64 node; do
    command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
sh tools/web/build.sh can >/dev/null || missing="$missing clang-for-WebAssembly"
if [ -z "$missing" ]; then
    echo 'deps-cross: everything is there'
    exit 0
fi
echo "deps-cross: there is no$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "Debian and Ubuntu have them in these packages: $packages"
    exit 1
fi
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
# shellcheck disable=SC2086 # words
$sudo apt-get install -y --no-install-recommends $packages
