/* SPDX-License-Identifier: MIT */
#include "executors/local/exit_text.h"

#include <string.h>

char *duration_text_format(int64_t duration_us)
{
    GString *text = g_string_new(NULL);
    int64_t hours = duration_us / USEC_PER_HOUR, minutes = duration_us / USEC_PER_MIN % 60;
    int64_t rest_us = duration_us % USEC_PER_MIN;
    if (hours > 0)
        g_string_append_printf(text, "%" G_GINT64_FORMAT "h", hours);
    if (minutes > 0)
        g_string_append_printf(text, "%" G_GINT64_FORMAT "m", minutes);
    if (rest_us > 0 || text->len == 0) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        g_ascii_formatd(number, sizeof number, "%.10g", (double)rest_us / (double)USEC_PER_SEC);
        g_string_append_printf(text, "%ss", number);
    }
    return g_string_free(text, FALSE);
}

/** "signal 9 (SIGKILL)" */
static char *signal_text(int signal)
{
    const char *name = sigabbrev_np(signal);
    return name != NULL ? g_strdup_printf("signal %d (SIG%s)", signal, name)
                        : g_strdup_printf("signal %d", signal);
}

/** How the process of a task that we ended went. */
static char *ended_text(const SlotExit *exit)
{
    if (exit->signal == 0)
        return g_strdup_printf("exited with return code %d", exit->exit_code);
    g_autofree char *signal = signal_text(exit->signal);
    return g_strdup_printf("was ended by %s", signal);
}

static void append_beginning(GString *text, const SlotExit *exit, int64_t timeout_us)
{
    switch (exit->outcome) {
    case EXECUTOR_OUTCOME_TIMED_OUT: {
        g_autofree char *duration = duration_text_format(timeout_us);
        g_autofree char *ended = ended_text(exit);
        g_string_append_printf(text, "Task timed out after %s (execution_timeout) and %s", duration, ended);
        break;
    }
    case EXECUTOR_OUTCOME_CANCELED: {
        g_autofree char *ended = ended_text(exit);
        g_string_append_printf(text, "Task was canceled and %s", ended);
        break;
    }
    case EXECUTOR_OUTCOME_SIGNALED: {
        g_autofree char *signal = signal_text(exit->signal);
        g_string_append_printf(text, "Task was killed by %s", signal);
        break;
    }
    case EXECUTOR_OUTCOME_EXITED:
    case EXECUTOR_OUTCOME_START_FAILED:
    case EXECUTOR_OUTCOME_LOST:
    case EXECUTOR_OUTCOME_COUNT:
    case EXECUTOR_OUTCOME_INVALID:
        if (exit->exit_code > 0)
            g_string_append_printf(text, "Task exited with return code %d", exit->exit_code);
        break;
    }
}

char *exit_text_format(const SlotExit *exit, int64_t timeout_us, unsigned survivors)
{
    GString *text = g_string_new(NULL);
    append_beginning(text, exit, timeout_us);
    if ((exit->flags & SLOT_EXIT_CORE) != 0)
        g_string_append(text, ", core dumped");
    if ((exit->flags & SLOT_EXIT_OOM) != 0)
        g_string_append(text, ", probably by the kernel because memory ran out "
                              "(its count of out-of-memory kills rose meanwhile)");
    if (survivors > 0)
        g_string_append_printf(text, "; %u of its processes could not be ended", survivors);
    return g_string_free(text, FALSE);
}
