/* Libraries that are loaded when they are first needed.
 *
 * Linked, they and what they need themselves would have to be found and relocated at every start: libtiff
 * makes that 3 ms longer and libheif 23, and few pictures need them.  The file that uses such a library lists
 * its functions once:
 *
 *     #define FUNCTIONS(each) each(TIFFClose) each(TIFFGetField)
 *     typedef struct functions { FUNCTIONS(TOOL_LOADED_FIELD) } functions;
 *     static const char *const names[] = {FUNCTIONS(TOOL_LOADED_NAME) NULL};
 *
 * and calls them as f.TIFFClose(...) after tool_load.  Never prints. */
#ifndef TOOLS_COMMON_LOADED_H
#define TOOLS_COMMON_LOADED_H

#include <stdbool.h>

/* the type that the library's header gives the function */
#define TOOL_LOADED_FIELD(name) __typeof__(&name) name;
#define TOOL_LOADED_NAME(name) #name,

/* Loads a library, which stays loaded, and puts the addresses of its functions of these names, which end with
 * NULL, into the pointers at `functions`.  False when the library or one of them is not there. */
bool tool_load(const char *library, const char *const *names, void *functions);

#endif
