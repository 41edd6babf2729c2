/* The socket that clients connect to. */
#ifndef TOOLS_SERVE_LISTEN_H
#define TOOLS_SERVE_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/common/error.h"

enum { SERVE_ADDRESS_BYTES = 128 };

/* Opens a socket on "HOST:PORT", "[IPv6]:PORT" or ":PORT", which stands for every address of the machine;
 * port 0 lets the system choose.  `shown` becomes the numeric address that was taken.  Returns the
 * descriptor, which the caller closes; -1 on failure. */
int serve_listen(const char *address, char shown[SERVE_ADDRESS_BYTES], tool_error *err);

/* Whether the other end of a connection has closed it, or at least its direction to us.  Reads nothing. */
bool serve_peer_gone(int fd);

/* Sends text where that needs no waiting; what doesn't fit is lost. */
void serve_send_now(int fd, const char *text, size_t size);

/* Says to the other end that no more will be sent. */
void serve_end_sending(int fd);

#endif
