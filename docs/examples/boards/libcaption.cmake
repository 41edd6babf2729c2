# The sources of libcaption for a board, and the macros that leave out what it lacks: LIBCAPTION_SOURCES,
# LIBCAPTION_INCLUDES, LIBCAPTION_DEFINITIONS and LIBCAPTION_OPTIONS.  The same for every kind of project.
get_filename_component(LIBCAPTION_ROOT "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
file(GLOB LIBCAPTION_SOURCES
    "${LIBCAPTION_ROOT}/lib/*.c" "${LIBCAPTION_ROOT}/lib/*/*.c" "${LIBCAPTION_ROOT}/kernels/*.c"
    "${LIBCAPTION_ROOT}/kernels/ref/*.c" "${LIBCAPTION_ROOT}/kernels/gemm/*.c")
set(LIBCAPTION_INCLUDES "${LIBCAPTION_ROOT}/include" "${LIBCAPTION_ROOT}")
set(LIBCAPTION_DEFINITIONS
    CAPTION_NO_FILES CAPTION_NO_THREADS CAPTION_NO_MALLOC CAPTION_WITH_JPEG=0 CAPTION_WITH_PNG=0
    CAPTION_WITH_OPENBLAS=0 CAPTION_WITH_ZLIB=0)
# results must not depend on the compiler (docs/numerics.md)
set(LIBCAPTION_OPTIONS -std=c11 -ffp-contract=off)
# Cortex-M55 and M85: -DLIBCAPTION_MVE=ON takes the kernels for Helium
if(LIBCAPTION_MVE)
    file(GLOB LIBCAPTION_KERNELS "${LIBCAPTION_ROOT}/kernels/mve/*.c")
    list(APPEND LIBCAPTION_SOURCES ${LIBCAPTION_KERNELS} "${LIBCAPTION_ROOT}/kernels/simd/cells.c"
        "${LIBCAPTION_ROOT}/kernels/simd/int16.c" "${LIBCAPTION_ROOT}/kernels/simd/reduce.c")
    list(APPEND LIBCAPTION_DEFINITIONS CAPTION_WITH_SIMD=1 CPTK_ISA=mve)
else()
    list(APPEND LIBCAPTION_DEFINITIONS CAPTION_WITH_SIMD=0)
endif()
