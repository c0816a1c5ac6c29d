/* SPDX-License-Identifier: MIT */
#include "executors/local/unix_socket.h"

#include <glib.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 16 };

/** Fills in the address; *folder_fd (or -1) must stay open until bind or connect is done. 0 or a negative
 * errno. */
static int address_fill(const char *path, struct sockaddr_un *address, int *folder_fd)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    *folder_fd = -1;
    if (g_strlcpy(address->sun_path, path, sizeof address->sun_path) < sizeof address->sun_path)
        return 0;
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    *folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (*folder_fd < 0)
        return -errno;
    int n = g_snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", *folder_fd, name);
    return (size_t)n < sizeof address->sun_path ? 0 : -ENAMETOOLONG;
}

static int socket_at(const char *path, bool listening)
{
    struct sockaddr_un address;
    int folder_fd;
    int r = address_fill(path, &address, &folder_fd);
    int fd = -1;
    if (r == 0) {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            r = -errno;
    }
    if (r == 0) {
        const struct sockaddr *a = (const struct sockaddr *)&address;
        /* The mode is taken over by bind(), so that nobody can connect in between. */
        if (listening ? fchmod(fd, 0600) < 0 || bind(fd, a, sizeof address) < 0 || listen(fd, BACKLOG) < 0
                      : connect(fd, a, sizeof address) < 0)
            r = -errno;
    }
    if (folder_fd >= 0)
        close(folder_fd);
    if (r < 0 && fd >= 0)
        close(fd);
    return r < 0 ? r : fd;
}

int unix_socket_listen(const char *path)
{
    return socket_at(path, true);
}

int unix_socket_connect(const char *path)
{
    return socket_at(path, false);
}

bool unix_socket_peer_is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}
