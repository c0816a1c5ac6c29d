/* SPDX-License-Identifier: MIT */
/*
 * inotify tells of two things: the log's folder (it grows) and the home (weir.db-wal is written with every
 * commit, so the task's state may have changed). After each, the log is printed as far as it goes, and the
 * row is read.
 */
#include "cli/log_follow.h"

#include "cli/run_view.h"
#include "cli/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#define CHUNK_BYTES (64 * 1024)
/** Commits come faster than people read: rows are read at most so often. */
#define PAUSE_US (30 * 1000)

/** How much of a chunk can be judged: not half a character, nor half a colour sequence, at its end. */
static gsize whole_length(const char *bytes, gsize n)
{
    const char *end;
    gsize whole = n;
    if (!g_utf8_validate_len(bytes, n, &end) && (gsize)(bytes + n - end) < 4 &&
        g_utf8_get_char_validated(end, bytes + n - end) == (gunichar)-2)
        whole = (gsize)(end - bytes);
    const char *escape = memrchr(bytes, 0x1b, whole);
    if (escape != NULL && bytes + whole - escape < 16 &&
        memchr(escape, 'm', (gsize)(bytes + whole - escape)) == NULL)
        whole = (gsize)(escape - bytes);
    return whole > 0 ? whole : n; /* what never becomes whole is printed as it is */
}

static gsize print_chunk(const char *bytes, gsize n, bool is_terminal, bool is_last)
{
    if (!is_terminal) {
        fwrite(bytes, 1, n, stdout);
        return n;
    }
    gsize whole = is_last ? n : whole_length(bytes, n);
    g_autofree char *clean = text_escape(bytes, (gssize)whole, TEXT_KEEP_NEWLINES | TEXT_KEEP_COLOURS);
    fputs(clean, stdout);
    return whole;
}

bool log_print(const char *path, int64_t *offset)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is_terminal = isatty(STDOUT_FILENO);
    g_autofree char *chunk = g_malloc(CHUNK_BYTES);
    ssize_t n;
    while ((n = pread(fd, chunk, CHUNK_BYTES, *offset)) > 0) {
        gsize used = print_chunk(chunk, (gsize)n, is_terminal, n < CHUNK_BYTES / 2);
        *offset += (int64_t)used;
    }
    close(fd);
    fflush(stdout);
    return true;
}

typedef struct {
    Cli *cli;
    const DagRun *run;
    const char *task_id;
    int32_t only_try;  /**< 0 = all */
    int32_t shown_try; /**< whose log is being printed; 0 = none yet */
    int64_t offset;
    int notify, folder_watch;
    bool is_over;
} Follow;

static void say_end(const Follow *follow, const TaskInstance *task)
{
    RunViewTask view = {.state = task->state,
                        .end_reason = g_strdup(end_reason_to_string(task->end_reason)),
                        .exit_code = task->exit_code,
                        .term_signal = task->term_signal};
    g_autofree char *reason = task->state == TASK_STATE_SUCCESS ? NULL : run_view_reason(&view);
    fflush(stdout);
    g_printerr("%s: try %d: %s%s%s\n", follow->task_id, task->try_number, task_state_to_string(task->state),
               reason != NULL ? ", " : "", reason != NULL ? reason : "");
    g_free(view.end_reason);
}

/** Watches the folder of the log as soon as there is one. */
static void watch_folder(Follow *follow, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (follow->folder_watch < 0)
        follow->folder_watch = inotify_add_watch(follow->notify, folder, IN_MODIFY | IN_CREATE | IN_ONLYDIR);
}

static bool has_ended(const TaskInstance *task)
{
    return task_state_is_finished(task->state) || task->state == TASK_STATE_UP_FOR_RETRY;
}

/** Looks at the row, prints what there is, and decides whether to go on. */
static bool look(Follow *follow, GError **error)
{
    g_autoptr(TaskList) list = cli_find_task(follow->cli, follow->run, follow->task_id, error);
    if (list == NULL)
        return false;
    const TaskInstance *task = &list->items[0];
    int32_t current = follow->only_try > 0 ? follow->only_try : task->try_number;
    if (current != follow->shown_try) {
        follow->offset = 0;
        follow->shown_try = current;
    }
    g_autofree char *path = cli_log_path(follow->cli, follow->run, follow->task_id, current);
    watch_folder(follow, path);
    log_print(path, &follow->offset);
    bool ended = has_ended(task) && task->try_number == current;
    if (ended && (task_state_is_finished(task->state) || follow->only_try > 0)) {
        say_end(follow, task);
        follow->is_over = true;
    }
    if (follow->only_try > 0 && task->try_number > current)
        follow->is_over = true;
    g_autoptr(DagRun) run = store_get_run_by_id(cli_reader(follow->cli, NULL), follow->run->id, NULL);
    if (run != NULL && run_state_is_finished(run->state) && !task_state_is_executing(task->state))
        follow->is_over = true; /* it never ran */
    return true;
}

/** Waits until the log or the database was written. */
static bool wait_for_change(Follow *follow, GError **error)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
    for (;;) {
        ssize_t n = read(follow->notify, events, sizeof events);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot watch the log: %s", g_strerror(errno));
            return false;
        }
        for (char *p = events; p < events + n;) {
            const struct inotify_event *event = (const struct inotify_event *)p;
            if (event->wd == follow->folder_watch || event->mask & IN_Q_OVERFLOW ||
                (event->len > 0 &&
                 (g_str_has_prefix(event->name, "weir.db") || strcmp(event->name, "logs") == 0)))
                return true;
            p += sizeof *event + event->len;
        }
    }
}

bool log_follow(Cli *cli, const DagRun *run, const char *task_id, int32_t try_number, GError **error)
{
    Follow follow = {.cli = cli, .run = run, .task_id = task_id, .only_try = try_number, .folder_watch = -1};
    follow.notify = inotify_init1(IN_CLOEXEC);
    if (follow.notify < 0 ||
        inotify_add_watch(follow.notify, cli->settings->home, IN_MODIFY | IN_CREATE | IN_ONLYDIR) < 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_IO, "cannot watch %s: %s", cli->settings->home,
                    g_strerror(errno));
        if (follow.notify >= 0)
            close(follow.notify);
        return false;
    }
    bool ok = look(&follow, error);
    while (ok && !follow.is_over) {
        ok = wait_for_change(&follow, error);
        g_usleep(PAUSE_US);
        ok = ok && look(&follow, error);
    }
    close(follow.notify);
    return ok;
}
