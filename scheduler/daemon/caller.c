/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/daemon.h"

#include <pwd.h>

char *caller_name(uid_t uid)
{
    char text[4096];
    struct passwd entry, *found = NULL;
    if (getpwuid_r(uid, &entry, text, sizeof text, &found) == 0 && found != NULL)
        return g_utf8_make_valid(found->pw_name, -1);
    return g_strdup_printf("%u", uid);
}
