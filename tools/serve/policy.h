/* The Content-Security-Policy of a page that is built in: its own scripts and styles run, and nothing else.
 */
#ifndef TOOLS_SERVE_POLICY_H
#define TOOLS_SERVE_POLICY_H

#include <stdbool.h>
#include <stddef.h>

enum { SERVE_POLICY_BYTES = 1024 };

/* Writes the policy with a hash for each <script> and <style> element of html [size], whose tags have no
 * attributes.  False where there are too many of them. */
bool serve_policy(char policy[SERVE_POLICY_BYTES], const char *html, size_t size);

#endif
