/* SPDX-License-Identifier: MIT */
#include "cli/sd_notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void sd_notify_send(const char *state)
{
    const char *path = g_getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = path != NULL ? strlen(path) : 0;
    if (n < 2 || n >= sizeof address.sun_path || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, n);
    if (path[0] == '@') /* a name of no file */
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    /* Nobody to hear it is no reason to stop, and none to wait. */
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT,
                          (const struct sockaddr *)(const void *)&address, size);
    (void)sent;
    close(fd);
}

int64_t sd_notify_watchdog_us(void)
{
    guint64 pid = 0, allowed_us = 0;
    const char *allowed = g_getenv("WATCHDOG_USEC"), *whose = g_getenv("WATCHDOG_PID");
    if (allowed == NULL || !g_ascii_string_to_unsigned(allowed, 10, 1, INT64_MAX, &allowed_us, NULL))
        return 0;
    if (whose != NULL &&
        (!g_ascii_string_to_unsigned(whose, 10, 1, INT32_MAX, &pid, NULL) || pid != (guint64)getpid()))
        return 0;
    return MAX((int64_t)allowed_us / 2, 1000);
}
