/* SPDX-License-Identifier: MIT */
#include "scheduler/engine/retry.h"

#include "scheduler/time/instant.h"

#include <math.h>

#define MAX_DELAY_S 86400 /* [core] max_task_retry_delay */

/** sha1(text) as one big number, modulo `divisor`. */
static uint64_t sha1_modulo(const char *text, uint64_t divisor)
{
    g_autofree char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA1, text, -1);
    uint64_t rest = 0;
    for (const char *digit = hex; *digit != '\0'; digit++)
        rest = (rest * 16 + (uint64_t)g_ascii_xdigit_value(*digit)) % divisor;
    return rest;
}

int64_t retry_delay_us(const char *dag_id, const Task *task, int64_t logical_date_us, int32_t try_number)
{
    if (task->retry_backoff == 0 || task->retry_backoff == 1)
        return task->retry_delay_us;

    double delay_s = (double)task->retry_delay_us / (double)USEC_PER_SEC;
    double base = fmax(1, ceil(delay_s * pow(task->retry_backoff, try_number - 1)));
    uint64_t seconds = MAX_DELAY_S;
    if (base < MAX_DELAY_S) { /* else base + jitter is over the cap whatever the jitter */
        g_autofree char *date =
            logical_date_us == TIME_NONE ? g_strdup("None") : instant_format(logical_date_us, INSTANT_STR);
        g_autofree char *seed = g_strdup_printf("%s#%s#%s#%d", dag_id, task->task_id, date, try_number);
        seconds = MIN((uint64_t)base + sha1_modulo(seed, (uint64_t)base), MAX_DELAY_S);
    }
    int64_t delay_us = (int64_t)seconds * USEC_PER_SEC;
    return task->max_retry_delay_us > 0 ? MIN(delay_us, task->max_retry_delay_us) : delay_us;
}
