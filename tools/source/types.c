/* Element types and their numbers; see types.h. */
#include "tools/source/types.h"

#include <stdint.h>
#include <string.h>

static const struct {
    const char *name, *code;
    size_t size;
    bool real;
} types[] = {
    [SOURCE_FLOAT32] = {"float32", "F32", 4, true},    [SOURCE_FLOAT16] = {"float16", "F16", 2, true},
    [SOURCE_BFLOAT16] = {"bfloat16", "BF16", 2, true}, [SOURCE_FLOAT64] = {"float64", "F64", 8, true},
    [SOURCE_INT64] = {"int64", "I64", 8, false},       [SOURCE_INT32] = {"int32", "I32", 4, false},
    [SOURCE_INT16] = {"int16", "I16", 2, false},       [SOURCE_INT8] = {"int8", "I8", 1, false},
    [SOURCE_UINT8] = {"uint8", "U8", 1, false},        [SOURCE_BOOL] = {"bool", "BOOL", 1, false},
};

const char *source_type_name(source_type type)
{
    return types[type].name;
}

const char *source_type_code(source_type type)
{
    return types[type].code;
}

bool source_type_find(const char *code, source_type *type)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(types[i].code, code) != 0) continue;
        *type = (source_type)i;
        return true;
    }
    return false;
}

size_t source_type_size(source_type type)
{
    return types[type].size;
}

bool source_type_is_real(source_type type)
{
    return types[type].real;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float from_half(uint32_t bits)
{
    const uint32_t sign = (bits & 0x8000) << 16, exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
    if (exponent == 0) { /* zero and denormals: fraction x 2^-24, exact in float32 */
        const float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    return from_bits(sign | (exponent == 31 ? 0x7F800000 : (exponent + 112) << 23) | fraction << 13);
}

float source_type_read(source_type type, const unsigned char *p)
{
    uint16_t narrow;
    float single;
    double wide;
    switch (type) {
    case SOURCE_FLOAT64:
        memcpy(&wide, p, sizeof wide);
        return (float)wide;
    case SOURCE_FLOAT16:
        memcpy(&narrow, p, sizeof narrow);
        return from_half(narrow);
    case SOURCE_BFLOAT16:
        memcpy(&narrow, p, sizeof narrow);
        return from_bits((uint32_t)narrow << 16);
    default:
        memcpy(&single, p, sizeof single);
        return single;
    }
}
