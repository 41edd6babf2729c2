/* jpeg_memory.c - see jpeg_memory.h.  libjpeg asks for small and large pieces, for rows of samples and
 * coefficients, and for "virtual" arrays of a whole image, which it would keep partly in a file.  Here those
 * are in memory. */
#if !defined(CAPTION_WITH_JPEG) || CAPTION_WITH_JPEG

#include "lib/image/jpeg_memory.h"

#include <string.h>

#include <jerror.h>

/* libjpeg leaves these two types to the memory manager. */
struct jvirt_sarray_control {
    JSAMPARRAY rows;
};

struct jvirt_barray_control {
    JBLOCKARRAY rows;
    struct jvirt_barray_control *next;
    boolean pre_zero;
    JDIMENSION blocks, count;
};

static void *take(j_common_ptr cinfo, size_t count, size_t each)
{
    cpt_jpeg_memory *memory = (cpt_jpeg_memory *)(void *)cinfo->mem;
    void *piece = cpt_arena_take(memory->arena, count, each);
    if (!piece) ERREXIT1(cinfo, JERR_OUT_OF_MEMORY, 0);
    return piece;
}

static void *alloc_piece(j_common_ptr cinfo, int pool, size_t size)
{
    (void)pool;
    return take(cinfo, size, 1);
}

static JSAMPARRAY alloc_sarray(j_common_ptr cinfo, int pool, JDIMENSION samples, JDIMENSION count)
{
    /* libjpeg-turbo's SIMD code may write past a row's end, up to a multiple of 64 */
    const size_t row_bytes = ((size_t)samples + 63) / 64 * 64;
    JSAMPARRAY rows = take(cinfo, count, sizeof *rows);
    JSAMPROW data = take(cinfo, count, row_bytes);
    (void)pool;
    for (JDIMENSION i = 0; i < count; i++) rows[i] = data + i * row_bytes;
    return rows;
}

static JBLOCKARRAY alloc_barray(j_common_ptr cinfo, int pool, JDIMENSION blocks, JDIMENSION count)
{
    JBLOCKARRAY rows = take(cinfo, count, sizeof *rows);
    JBLOCKROW data = take(cinfo, (size_t)count * blocks, sizeof *data);
    (void)pool;
    for (JDIMENSION i = 0; i < count; i++) rows[i] = data + (size_t)i * blocks;
    return rows;
}

/* Only two-pass colour quantisation wants these, and it is never asked for. */
static jvirt_sarray_ptr request_virt_sarray(j_common_ptr cinfo, int pool, boolean pre_zero,
                                            JDIMENSION samples, JDIMENSION count, JDIMENSION most)
{
    (void)pool, (void)pre_zero, (void)samples, (void)count, (void)most;
    ERREXIT(cinfo, JERR_NOT_COMPILED);
    return NULL;
}

static JSAMPARRAY access_virt_sarray(j_common_ptr cinfo, jvirt_sarray_ptr array, JDIMENSION start,
                                     JDIMENSION count, boolean writable)
{
    (void)cinfo, (void)count, (void)writable;
    return array->rows + start;
}

static jvirt_barray_ptr request_virt_barray(j_common_ptr cinfo, int pool, boolean pre_zero, JDIMENSION blocks,
                                            JDIMENSION count, JDIMENSION most)
{
    cpt_jpeg_memory *memory = (cpt_jpeg_memory *)(void *)cinfo->mem;
    jvirt_barray_ptr array = take(cinfo, 1, sizeof *array);
    (void)pool, (void)most;
    *array = (struct jvirt_barray_control){
        .next = memory->pending, .pre_zero = pre_zero, .blocks = blocks, .count = count};
    memory->pending = array;
    return array;
}

static void realize_virt_arrays(j_common_ptr cinfo)
{
    cpt_jpeg_memory *memory = (cpt_jpeg_memory *)(void *)cinfo->mem;
    for (jvirt_barray_ptr a = memory->pending; a; a = a->next) {
        a->rows = alloc_barray(cinfo, JPOOL_IMAGE, a->blocks, a->count);
        if (a->pre_zero && a->count) memset(a->rows[0], 0, (size_t)a->count * a->blocks * sizeof **a->rows);
    }
    memory->pending = NULL;
}

static JBLOCKARRAY access_virt_barray(j_common_ptr cinfo, jvirt_barray_ptr array, JDIMENSION start,
                                      JDIMENSION count, boolean writable)
{
    (void)writable;
    if (!array->rows || start > array->count || count > array->count - start) {
        ERREXIT(cinfo, JERR_BAD_VIRTUAL_ACCESS);
    }
    return array->rows + start;
}

static void free_pool(j_common_ptr cinfo, int pool)
{
    (void)cinfo, (void)pool;
}

static void self_destruct(j_common_ptr cinfo)
{
    (void)cinfo;
}

void cpt_jpeg_memory_init(cpt_jpeg_memory *memory, cpt_arena *arena)
{
    memset(memory, 0, sizeof *memory);
    memory->arena = arena;
    memory->methods.alloc_small = alloc_piece;
    memory->methods.alloc_large = alloc_piece;
    memory->methods.alloc_sarray = alloc_sarray;
    memory->methods.alloc_barray = alloc_barray;
    memory->methods.request_virt_sarray = request_virt_sarray;
    memory->methods.request_virt_barray = request_virt_barray;
    memory->methods.realize_virt_arrays = realize_virt_arrays;
    memory->methods.access_virt_sarray = access_virt_sarray;
    memory->methods.access_virt_barray = access_virt_barray;
    memory->methods.free_pool = free_pool;
    memory->methods.self_destruct = self_destruct;
    memory->methods.max_memory_to_use = 1000000000L;
    memory->methods.max_alloc_chunk = 1000000000L;
}

#endif
