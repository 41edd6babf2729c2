/* Puts a model file (capw.h) together: tables at the front, tensors behind them.
 *
 * The places of all tensors are known before the first is written, so tensors may come in any order.  Their
 * checksums are collected as they come, and the tables are written last.  It never reads anything back. */
#ifndef TOOLS_CONVERT_CAPW_WRITER_H
#define TOOLS_CONVERT_CAPW_WRITER_H

#include <capw.h>

#include "tools/common/outfile.h"
#include "tools/convert/metadata.h"

/* What goes into the file. */
typedef struct convert_contents {
    const capw_tensor *tensors; /* [count], of which name, dtype, layout, rank and dims are read */
    size_t count;
    const convert_metadata *metadata;
    const convert_vocabulary *vocabulary;
} convert_contents;

typedef struct convert_writer {
    tool_outfile *out;     /* borrowed */
    unsigned char *tables; /* everything up to data_offset, owned */
    size_t tables_size;
    capw_tensor *records; /* [count], inside the tables */
    size_t count;
    uint64_t file_size;
} convert_writer;

/* Lays the file out.  Free the writer whatever the result. */
bool convert_writer_open(convert_writer *writer, tool_outfile *out, const convert_contents *contents,
                         tool_error *err);

/* Writes the index-th tensor, whose CRC-32 is given: data [records[index].bytes]. */
bool convert_writer_put(convert_writer *writer, size_t index, const void *data, uint32_t crc,
                        tool_error *err);

/* Writes the tables, once every tensor is in. */
bool convert_writer_finish(convert_writer *writer, tool_error *err);
void convert_writer_free(convert_writer *writer);

#endif
