/* SPDX-License-Identifier: MIT */
#include "cli/backfill_progress.h"

int64_t backfill_n_done(const BackfillProgress *progress)
{
    return MAX(progress->n_runs - progress->n_queued - progress->n_running - progress->n_canceled, 0);
}

int64_t backfill_time_left(const Backfill *backfill, const BackfillProgress *progress)
{
    int64_t n_left = progress->n_queued + progress->n_running;
    if (backfill->completed_at_us != TIME_NONE || backfill->is_paused || n_left == 0 ||
        progress->mean_duration_us == TIME_NONE)
        return TIME_NONE;
    /* A run that is under way has half of it behind it, on the average. */
    double runs = (double)progress->n_queued + (double)progress->n_running / 2;
    double at_once = (double)MIN((int64_t)backfill->max_active_runs, n_left);
    double left_us = runs / at_once * (double)progress->mean_duration_us;
    return left_us < (double)(INT64_MAX / 2) ? (int64_t)left_us : INT64_MAX / 2;
}

/** "40 s", "3 min", "5 h", "2 days": rounded up, of what is not longer than two of the next unit. */
static char *roughly(int64_t us)
{
    static const struct {
        int64_t unit_us, below_us;
        const char *name;
    } units[] = {
        {USEC_PER_SEC, 2 * USEC_PER_MIN, "s"},
        {USEC_PER_MIN, 2 * USEC_PER_HOUR, "min"},
        {USEC_PER_HOUR, 2 * USEC_PER_DAY, "h"},
        {USEC_PER_DAY, INT64_MAX, "days"},
    };
    gsize i = 0;
    while (us >= units[i].below_us)
        i++;
    return g_strdup_printf("%" G_GINT64_FORMAT " %s", us / units[i].unit_us + 1, units[i].name);
}

char *backfill_progress_text(const Backfill *backfill, const BackfillProgress *progress)
{
    int64_t n_done = backfill_n_done(progress);
    GString *text = g_string_new(NULL);
    g_string_printf(text, "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " done", n_done, progress->n_runs);
    if (progress->n_failed > 0)
        g_string_append_printf(text, ", %" G_GINT64_FORMAT " failed", progress->n_failed);
    if (progress->n_canceled > 0)
        g_string_append_printf(text, ", %" G_GINT64_FORMAT " canceled", progress->n_canceled);
    if (backfill->completed_at_us == TIME_NONE && backfill->is_paused)
        g_string_append(text, ", paused");
    int64_t left_us = backfill_time_left(backfill, progress);
    if (left_us != TIME_NONE) {
        g_autofree char *left = roughly(left_us);
        g_string_append_printf(text, ", ~%s left", left);
    }
    return g_string_free(text, FALSE);
}
