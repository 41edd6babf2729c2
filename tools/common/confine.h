/* Gives up rights that a tool doesn't need, before it reads a stranger's file.
 *
 * Whoever finds a way to run code through a damaged file then can't do more than read files and write where
 * the tool writes.  Needs Linux; what a kernel lacks is left out without a word, and so is all of it in
 * builds with sanitizers or without libseccomp (SECCOMP=0). */
#ifndef TOOLS_COMMON_CONFINE_H
#define TOOLS_COMMON_CONFINE_H

#include <stddef.h>

/* For good, in this thread and all that it starts later:
 *   - no file is created, changed, renamed or removed but in the folders of `outputs` [count] (Landlock).
 *     NULL and "-" in that list stand for nothing.  A device or pipe that is named can be written itself, but
 *     nothing beside it.  A folder that is not there yet may be made;
 *   - no program is run and no process started; there are threads (seccomp, as for the rest);
 *   - no network, no other process's memory, no change of owner, mode, user or mounts.
 * Reading stays.  Called once, when the command line is known and nothing is open. */
void tool_confine(const char *const *outputs, size_t count);

/* The same for a program that writes no file and answers on a socket, which is open already: it may accept
 * connections on that, and open no other. */
void tool_confine_server(void);

#endif
