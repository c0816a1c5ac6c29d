/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/starts_hold.h"

#include "scheduler/daemon/disk_room.h"
#include "scheduler/daemon/internal.h"

#include <stdlib.h>

#define LOOK_EVERY_US  (USEC_PER_SEC / 4) /* while all is well, and only if something happens */
#define AGAIN_EVERY_US (5 * USEC_PER_SEC) /* while starts are held */
#define SAY_EVERY_US   (10 * USEC_PER_MIN)

struct StartsHold {
    DiskRoom *room;
    uv_timer_t timer;           /* runs while starts are held, and a while after a refusal */
    char *reason;               /* NULL = starts are not held */
    bool is_refused;            /* an executor said so; the disks may look as if there was room (quotas) */
    bool is_to_be_called;       /* it was said that nothing is started, and not yet that it goes on */
    int64_t looked_us, said_us; /* monotonic */
};

static void on_timer(uv_timer_t *timer)
{
    Daemon *daemon = timer->data;
    daemon->is_tick_due = true; /* a turn, which looks */
}

/** The folder of the file itself, whatever links lead to it. */
static void add_folder_of(DiskRoom *room, const char *path)
{
    char *real = realpath(path, NULL);
    g_autofree char *folder = g_path_get_dirname(real != NULL ? real : path);
    free(real);
    disk_room_add(room, folder);
}

StartsHold *starts_hold_new(Daemon *daemon, const DaemonOptions *options)
{
    StartsHold *hold = g_new0(StartsHold, 1);
    hold->room = disk_room_new(daemon->settings->min_free_disk_bytes, options->look_at_disk, options->user);
    g_autofree char *runners = g_build_filename(daemon->home->dir, "runners", NULL);
    add_folder_of(hold->room, daemon->home->db_path);
    disk_room_add(hold->room, daemon->settings->logs_folder);
    disk_room_add(hold->room, runners);
    hold->looked_us = hold->said_us = -SAY_EVERY_US;
    uv_timer_init(&daemon->loop, &hold->timer);
    hold->timer.data = daemon;
    return hold;
}

void starts_hold_free(StartsHold *hold)
{
    if (hold == NULL)
        return;
    disk_room_free(hold->room);
    g_free(hold->reason);
    g_free(hold);
}

bool starts_hold_is_due(const Daemon *daemon)
{
    const StartsHold *hold = daemon->starts_hold;
    if (daemon->mode == DAEMON_OFFLINE) /* it starts nothing anyway */
        return false;
    bool is_slow = hold->reason != NULL || hold->is_to_be_called;
    return g_get_monotonic_time() - hold->looked_us >= (is_slow ? AGAIN_EVERY_US : LOOK_EVERY_US);
}

void starts_hold_expire(Daemon *daemon)
{
    daemon->starts_hold->looked_us = -SAY_EVERY_US;
}

/** Loudly, but not over and over. */
static void say(Daemon *daemon)
{
    StartsHold *hold = daemon->starts_hold;
    int64_t now_us = g_get_monotonic_time();
    if (hold->is_to_be_called && now_us - hold->said_us < SAY_EVERY_US)
        return;
    hold->said_us = now_us;
    hold->is_to_be_called = true;
    daemon_log(
        daemon, DAEMON_LOG_ERROR,
        "nothing new is started: %s; what runs goes on. Free some space%s: starts then go on by themselves",
        hold->reason, hold->is_refused ? "" : " there, or lower the setting");
}

static void call_off(Daemon *daemon)
{
    StartsHold *hold = daemon->starts_hold;
    uv_timer_stop(&hold->timer);
    if (hold->is_to_be_called)
        daemon_log(daemon, DAEMON_LOG_INFO, "there is room on the disk again: starts go on");
    hold->is_to_be_called = false;
}

static void hold_starts(Daemon *daemon, const char *why, bool is_refused, int64_t now_us)
{
    StartsHold *hold = daemon->starts_hold;
    char *reason = g_strdup(why);
    g_free(hold->reason);
    hold->reason = reason;
    hold->is_refused = is_refused;
    hold->looked_us = g_get_monotonic_time();
    say(daemon);
    engine_set_starts_held(daemon->engine, true, now_us);
    if (!uv_is_active((uv_handle_t *)&hold->timer)) {
        uv_update_time(&daemon->loop);
        uv_timer_start(&hold->timer, on_timer, AGAIN_EVERY_US / USEC_PER_MSEC,
                       AGAIN_EVERY_US / USEC_PER_MSEC);
    }
}

/** After a refusal it is only a try: that it goes on is said when none was refused for a while. */
static void let_go(Daemon *daemon, int64_t now_us)
{
    StartsHold *hold = daemon->starts_hold;
    g_clear_pointer(&hold->reason, g_free);
    if (!hold->is_refused)
        call_off(daemon);
    engine_set_starts_held(daemon->engine, false, now_us);
}

void starts_hold_look(Daemon *daemon, int64_t now_us)
{
    StartsHold *hold = daemon->starts_hold;
    if (!starts_hold_is_due(daemon))
        return;
    hold->looked_us = g_get_monotonic_time();
    if (!disk_room_look(hold->room))
        hold_starts(daemon, disk_room_shortage(hold->room), false, now_us);
    else if (hold->reason != NULL)
        let_go(daemon, now_us);
    else if (hold->is_to_be_called)
        call_off(daemon);
}

void starts_hold_refused(Daemon *daemon, const char *why, int64_t now_us)
{
    hold_starts(daemon, why, true, now_us);
}

const char *starts_hold_reason(const Daemon *daemon)
{
    return daemon->starts_hold != NULL ? daemon->starts_hold->reason : NULL;
}
