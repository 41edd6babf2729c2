/* Pages that are built in, written as one file each: what they share is put where they name it.
 *
 * A page is text in which a line "@look.css" or "@look.js" stands for that file, and a line "@data" for what
 * the program has to say.  Never prints. */
#ifndef TOOLS_PAGE_PAGE_H
#define TOOLS_PAGE_PAGE_H

#include <stdio.h>

/* Writes the report's page up to its data, and what follows them.  What the stream could not take is the
 * stream's error. */
void page_report_begin(FILE *stream);
void page_report_end(FILE *stream);

#endif
