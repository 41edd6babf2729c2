#!/bin/sh
# Builds the library's kernels and their check for AArch64 and runs the check under qemu-user: `make check-neon`.  Skips
# (exit code 77) where the cross-compiler or the emulator is missing.
set -eu
: "${BUILD:=build}" "${MAKE:=make}" "${NEON_CC:=aarch64-linux-gnu-gcc}" "${NEON_RUN:=qemu-aarch64}"
: "${NEON_ROOT:=/usr/aarch64-linux-gnu}"
for tool in "$NEON_CC" "$NEON_RUN"; do
    if ! command -v "$tool" >/dev/null; then
        echo "check-neon: skipped, there is no $tool"
        exit 77
    fi
done
unset MAKEFLAGS MFLAGS MAKELEVEL || :
$MAKE --no-print-directory -s -j2 BUILD="$BUILD-neon" CC="$NEON_CC" CFLAGS=-O2 LDFLAGS= JPEG=0 PNG=0 ZLIB=0 \
    OPENBLAS=0 WEBP=0 HEIF=0 GIF=0 TIFF=0 BMP=0 ARCHIVE=0 SECCOMP=0 "$BUILD-neon/test/alone/test_kernels"
"$NEON_RUN" -L "$NEON_ROOT" "$BUILD-neon/test/alone/test_kernels"
