/* SPDX-License-Identifier: MIT */
/** When a failed attempt is due again, with Airflow's exponential backoff and its deterministic jitter. */
#pragma once

#include "scheduler/model/dag.h"

/**
 * The delay after the failed attempt `try_number` (1-based).
 *
 * Source: Airflow 3 models/taskinstance.py next_retry_datetime. Without backoff (multiplier 0 or 1) it is
 * retry_delay, uncapped. With it: b = max(1, ceil(delay * m^(try-1))) seconds, plus a jitter in [0, b) taken
 * from the SHA-1 of `dag_id#task_id#logical_date#try`, capped by 24 h and then by max_retry_delay.
 */
int64_t retry_delay_us(const char *dag_id, const Task *task, int64_t logical_date_us, int32_t try_number);
