/* The socket that clients connect to; see listen.h. */
#define _GNU_SOURCE /* POLLRDHUP */
#include "tools/serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef POLLRDHUP
#define POLLRDHUP 0 /* elsewhere only a connection that is closed in both directions is seen */
#endif
#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

enum { BACKLOG = 1024, PORT_BYTES = 8 };

/* Cuts an address into host and port. */
static bool split(const char *address, char host[SERVE_ADDRESS_BYTES], char port[PORT_BYTES], tool_error *err)
{
    const char *colon = strrchr(address, ':'), *begin = address, *end = colon;
    if (!colon) return tool_fail(err, "--listen: '%s' has no port; 127.0.0.1:8000 is an address", address);
    const size_t digits = strspn(colon + 1, "0123456789");
    if (digits < 1 || digits >= PORT_BYTES - 2 || colon[1 + digits]) {
        return tool_fail(err, "--listen: '%s': '%s' is no port", address, colon + 1);
    }
    strcpy(port, colon + 1);
    if (*begin == '[' && end > begin && end[-1] == ']') {
        begin++;
        end--;
    } else if (memchr(begin, ':', (size_t)(end - begin))) {
        return tool_fail(err, "--listen: '%s': an IPv6 address stands in brackets, [::1]:8000", address);
    }
    const size_t length = (size_t)(end - begin);
    if (length >= SERVE_ADDRESS_BYTES) return tool_fail(err, "--listen: '%s' is too long", address);
    memcpy(host, begin, length);
    host[length] = '\0';
    return true;
}

static int open_socket(const struct addrinfo *a)
{
    const int on = 1, fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
    if (fd < 0) return -1;
    const int flags = fcntl(fd, F_GETFL);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) {
        return fd;
    }
    const int code = errno;
    (void)close(fd);
    errno = code;
    return -1;
}

static void show(int fd, char shown[SERVE_ADDRESS_BYTES])
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char host[SERVE_ADDRESS_BYTES - 16] = "?", port[PORT_BYTES] = "?";
    if (getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        (void)getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                          NI_NUMERICHOST | NI_NUMERICSERV);
    }
    const bool brackets = strchr(host, ':') != NULL;
    (void)snprintf(shown, SERVE_ADDRESS_BYTES, "%s%s%s:%s", brackets ? "[" : "", host, brackets ? "]" : "",
                   port);
}

int serve_listen(const char *address, char shown[SERVE_ADDRESS_BYTES], tool_error *err)
{
    const struct addrinfo hints = {
        .ai_flags = AI_PASSIVE, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    char host[SERVE_ADDRESS_BYTES], port[PORT_BYTES];
    struct addrinfo *list = NULL;
    int fd = -1;
    if (!split(address, host, port, err)) return -1;
    const int code = getaddrinfo(host[0] ? host : NULL, port, &hints, &list);
    if (code != 0) {
        (void)tool_fail(err, "--listen: %s: %s", address, gai_strerror(code));
        return -1;
    }
    errno = 0;
    for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) fd = open_socket(a);
    if (fd < 0) (void)tool_fail(err, "--listen: %s: %s", address, tool_reason(errno));
    freeaddrinfo(list);
    if (fd >= 0) show(fd, shown);
    return fd;
}

bool serve_peer_gone(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLRDHUP};
    return poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

void serve_send_now(int fd, const char *text, size_t size)
{
    const ssize_t sent = send(fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)sent;
}

void serve_end_sending(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}
