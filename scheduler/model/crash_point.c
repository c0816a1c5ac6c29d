/* SPDX-License-Identifier: MIT */
#include "scheduler/model/crash_point.h"

#ifdef WEIR_CRASH_POINTS
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void crash_point_hit(const char *name)
{
    static long passed;
    const char *only = getenv("WEIR_CRASH_ONLY");
    bool except = only != NULL && only[0] == '!';
    const char *prefix = except ? only + 1 : only;
    if (only != NULL && (strncmp(name, prefix, strlen(prefix)) == 0) == except)
        return;
    passed++;
    const char *count_file = getenv("WEIR_CRASH_COUNT");
    if (count_file != NULL) {
        int fd = open(count_file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        char line[128];
        size_t n = strlen(name) < sizeof line - 1 ? strlen(name) : sizeof line - 1;
        memcpy(line, name, n);
        line[n++] = '\n';
        if (fd >= 0) {
            if (write(fd, line, n) < 0)
                abort();
            close(fd);
        }
    }
    const char *at = getenv("WEIR_CRASH_AT"), *once = getenv("WEIR_CRASH_ONCE");
    if (at == NULL || atol(at) != passed)
        return;
    if (once != NULL && open(once, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) < 0)
        return;
    kill(getpid(), getenv("WEIR_CRASH_STOP") != NULL ? SIGSTOP : SIGKILL);
}
#else
typedef int crash_points_are_compiled_out; /* ISO C wants a declaration in every file */
#endif
