/* SPDX-License-Identifier: MIT */
#include "cli/colour.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    const char *state, *colour, *symbol, *ascii;
} StateLook;

/* Hues as in Airflow's pages, as far as 16 colours have them. */
static const StateLook looks[] = {
    {"success", "\033[32m", "✔", "+"},
    {"running", "\033[92m", "▶", ">"},
    {"failed", "\033[31m", "✘", "x"},
    {"upstream_failed", "\033[33m", "▲", "^"},
    {"skipped", "\033[35m", "○", "o"},
    {"up_for_retry", "\033[93m", "↻", "r"},
    {"up_for_reschedule", "\033[36m", "↻", "r"},
    {"restarting", "\033[95m", "↻", "r"},
    {"queued", "\033[90m", "◌", "q"},
    {"scheduled", "\033[90m", "◌", "s"},
    {"deferred", "\033[95m", "◌", "d"},
    {"removed", "\033[90m", "-", "-"},
};

static const StateLook *find_look(const char *state)
{
    for (gsize i = 0; state != NULL && i < G_N_ELEMENTS(looks); i++)
        if (strcmp(looks[i].state, state) == 0)
            return &looks[i];
    return NULL;
}

const char *colour_of_state(const char *state)
{
    const StateLook *look = find_look(state);
    return look != NULL ? look->colour : NULL;
}

const char *symbol_of_state(const char *state, bool utf8)
{
    const StateLook *look = find_look(state);
    if (look == NULL)
        return utf8 ? "·" : ".";
    return utf8 ? look->symbol : look->ascii;
}

static bool wanted(int fd)
{
    const char *no_color = g_getenv("NO_COLOR"), *term = g_getenv("TERM");
    return isatty(fd) && (no_color == NULL || *no_color == '\0') && g_strcmp0(term, "dumb") != 0;
}

bool colour_on_stdout(void)
{
    return wanted(STDOUT_FILENO);
}

bool colour_on_stderr(void)
{
    return wanted(STDERR_FILENO);
}
