/* SPDX-License-Identifier: MIT */
/*
 * weir: the executable. A map of its source; the brain is in scheduler/, doing is in executors/.
 *
 *   main()                 here: command line -> verb -> exit code
 *     args_parse()         args.c: the verb, its options in any position; hints.c: Airflow 2 habits
 *     help_*()             help.c: --help and usage, made from verbs.c
 *     verb->run(cli)       verbs.c: the table of verbs
 *
 *   Verbs that read        open the store read-only (cli.c), print rows (output.c)
 *     config.c info.c      settings; where things are
 *     schedule.c           fire times of a cron expression
 *     validate.c           DAG files and their errors
 *     dags_next.c          when a DAG runs next
 *     dags_list.c          folder and store merged; import errors
 *     dags_show.c          one DAG: details, tree (tree.c)
 *     dags_runs.c          runs and their states
 *     dags_hooks.c         what was run because something had ended
 *     tasks_read.c         tasks and their states
 *     tasks_logs.c         log files; log_follow.c: as they grow; log_tail.c: their end
 *     tasks_render.c       templates from committed rows
 *     tasks_test.c         a task's command in the foreground, without a run
 *     db.c                 the database as a file: check, migrate, backup
 *     audit.c              what was done by hand
 *     jobs.c               whether a scheduler answers
 *     tasks_explain.c      why a task is not running (asks, and changes nothing)
 *   Verbs that write       build a command document (docs/commands.md)
 *     dags_write.c         trigger, pause, cancel, mark, clear
 *     tasks_write.c        clear, mark
 *     backfill.c           backfills, reading too; backfill_progress.c: how far one is
 *     db_clean.c           deleting old runs, or a DAG
 *     pools.c              pools, reading too
 *     write.c              what they share
 *     command.c            over weir.sock, or in-process while nobody holds the lock
 *   weir run               run.c: until the run is done; run_start.c: what is asked for
 *     run_here.c           our own loop; run_there.c: following another's
 *     run_session.c        what both have in common
 *     run_why.c            why nothing moves, when nothing does
 *     run_view.c           a run as its documents tell; run_view_draw.c: as lines of text
 *     run_display.c        run_live.c: redrawn on a terminal; run_progress.c: a line per change elsewhere
 *     run_summary.c        how it ended and what to do next
 *     signals.c            Ctrl-C, terminal size
 *   weir scheduler         service.c: with schedules, until a signal; weir standalone is the same yet
 *     standby.c            waiting for the lock; sd_notify.c: what systemd wants to hear
 *
 *   Used by all            cli.c settings, store, folder; lookup.c names -> rows, with suggestions
 *     documents.c          rows -> JSON objects with REST's names
 *     output.c             table, plain, JSON; output_yaml.c: YAML
 *     text.c colour.c      widths, escaping; colours of states
 */
#include "cli/cli.h"
#include "cli/help.h"
#include "cli/text.h"
#include "cli/verbs.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

/** The message, each line escaped; for a wrong command line also the usage. */
static int report_error(const GError *error, const Verb *verb)
{
    if (g_error_matches(error, CLI_ERROR, CLI_ERROR_SAID))
        return EXIT_FAILURE;
    g_autofree char *message = text_escape(error->message, -1, TEXT_KEEP_NEWLINES);
    g_printerr("weir: %s\n", message);
    if (!g_error_matches(error, CLI_ERROR, CLI_ERROR_USAGE))
        return EXIT_FAILURE;
    g_autofree char *usage = verb != NULL && !verb->hidden ? help_usage(verb) : NULL;
    g_printerr("%s", usage != NULL ? usage : "usage: weir VERB [OPTIONS] [ARGUMENTS]; see `weir --help`\n");
    return EXIT_USAGE;
}

static int print_overview(const Args *args)
{
    g_autofree char *text = help_overview(all_verbs, args_word(args, 0));
    if (args_flag(args, "help")) {
        fputs(text, stdout);
        return EXIT_SUCCESS;
    }
    g_printerr("%s", text);
    return EXIT_USAGE;
}

static int run_verb(const Args *args)
{
    if (args_flag(args, "help")) {
        g_autofree char *text = help_verb(args->verb);
        fputs(text, stdout);
        return EXIT_SUCCESS;
    }
    g_autoptr(GError) error = NULL;
    Cli cli = {.args = args, .verbose = args_flag(args, "verbose")};
    int code = EXIT_FAILURE;
    if (output_format_from_string(args_value(args, "output"), &cli.format, &error))
        code = args->verb->run(&cli, &error);
    cli_clear(&cli);
    return error != NULL ? report_error(error, args->verb) : code;
}

/** What was printed must have arrived: a full disk is an error, a reader that left (`| head`) is not. */
static int flush_output(int code)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno == EPIPE)
        return code;
    g_printerr("weir: cannot write to standard output\n");
    return code != EXIT_SUCCESS ? code : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    /* `weir dags list | head` ends without a word. Nothing else relies on it: sockets are written with
     * MSG_NOSIGNAL, and `weir run`, which must outlive its reader, ignores the signal. */
    signal(SIGPIPE, SIG_DFL);
    g_autoptr(GError) error = NULL;
    const Verb *verb;
    char *none[] = {NULL};
    if (argc == 2 && strcmp(argv[1], "--version") == 0) /* what everybody tries first */
        argv[1] += strlen("--");
    g_autoptr(Args) args = args_parse(all_verbs, argc > 0 ? argv + 1 : none, &verb, &error);
    if (args == NULL)
        return report_error(error, verb);
    return flush_output(args->verb != NULL ? run_verb(args) : print_overview(args));
}
