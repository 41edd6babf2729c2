/* Mapped files that another process makes shorter while they are in use.
 *
 * The next access to the part that is gone raises SIGBUS.  A tool can't go on then: it says which file it
 * was, removes its temporary files, and ends with TOOL_EXIT_FAILED.  Any other SIGBUS stays what it was. */
#ifndef TOOLS_COMMON_MAPPED_H
#define TOOLS_COMMON_MAPPED_H

/* Takes the tool's name for messages and sets the handler; tool_start calls it. */
void tool_mapped_start(const char *tool);

/* Says that a file is about to be mapped, and stays so until the process ends.  Of more than a few files the
 * last ones are not noted. */
void tool_mapped_watch(const char *path);

#endif
