/* SPDX-License-Identifier: MIT */
/** The table of all verbs, and what each of them is. To add one: README.md. */
#pragma once

#include "cli/args.h"

/** In the order of help; ended by a NULL name. */
extern const Verb all_verbs[];

/* audit.c */
int verb_audit_list(Cli *cli, GError **error);

/* config.c, info.c, schedule.c, validate.c */
int verb_config_get_value(Cli *cli, GError **error);
int verb_config_list(Cli *cli, GError **error);
int verb_info(Cli *cli, GError **error);
int verb_version(Cli *cli, GError **error);
int verb_schedule_next(Cli *cli, GError **error);
int verb_dags_validate(Cli *cli, GError **error);

/* dags_*.c */
int verb_dags_details(Cli *cli, GError **error);
int verb_dags_delete(Cli *cli, GError **error);
int verb_dags_list(Cli *cli, GError **error);
int verb_dags_list_import_errors(Cli *cli, GError **error);
int verb_dags_next_execution(Cli *cli, GError **error);
int verb_dags_list_runs(Cli *cli, GError **error);
int verb_dags_list_hooks(Cli *cli, GError **error);
int verb_dags_show(Cli *cli, GError **error);
int verb_dags_state(Cli *cli, GError **error);
int verb_dags_cancel(Cli *cli, GError **error);
int verb_dags_clear(Cli *cli, GError **error);
int verb_dags_mark(Cli *cli, GError **error);
int verb_dags_pause(Cli *cli, GError **error);
int verb_dags_trigger(Cli *cli, GError **error);
int verb_dags_unpause(Cli *cli, GError **error);

/* tasks_*.c */
int verb_tasks_explain(Cli *cli, GError **error);
int verb_tasks_list(Cli *cli, GError **error);
int verb_tasks_logs(Cli *cli, GError **error);
int verb_tasks_render(Cli *cli, GError **error);
int verb_tasks_state(Cli *cli, GError **error);
int verb_tasks_test(Cli *cli, GError **error);
int verb_tasks_states_for_dag_run(Cli *cli, GError **error);
int verb_tasks_clear(Cli *cli, GError **error);
int verb_tasks_mark(Cli *cli, GError **error);

/* db.c, jobs.c */
int verb_db_backup(Cli *cli, GError **error);
int verb_db_clean(Cli *cli, GError **error);
int verb_db_check(Cli *cli, GError **error);
int verb_db_migrate(Cli *cli, GError **error);
int verb_jobs_check(Cli *cli, GError **error);

/* backfill.c */
int verb_backfill_cancel(Cli *cli, GError **error);
int verb_backfill_create(Cli *cli, GError **error);
int verb_backfill_list(Cli *cli, GError **error);
int verb_backfill_pause(Cli *cli, GError **error);
int verb_backfill_unpause(Cli *cli, GError **error);

/* pools.c */
int verb_pools_delete(Cli *cli, GError **error);
int verb_pools_get(Cli *cli, GError **error);
int verb_pools_list(Cli *cli, GError **error);
int verb_pools_set(Cli *cli, GError **error);

/* service.c */
int verb_scheduler(Cli *cli, GError **error);
int verb_standalone(Cli *cli, GError **error);

/* run.c, verb_runner.c */
int verb_run(Cli *cli, GError **error);
int verb_runner(Cli *cli, GError **error);
