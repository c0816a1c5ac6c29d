/* SPDX-License-Identifier: MIT */
#include "scheduler/model/retention.h"

Retention retention_or(Retention own, Retention fallback)
{
    return (Retention){
        .runs_us = own.runs_us >= 0 ? own.runs_us : fallback.runs_us,
        .logs_us = own.logs_us >= 0 ? own.logs_us : fallback.logs_us,
    };
}

int64_t retention_before(int64_t now_us, int64_t kept_us)
{
    return kept_us > 0 ? now_us - kept_us : TIME_NONE;
}
