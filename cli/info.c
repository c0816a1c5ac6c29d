/* SPDX-License-Identifier: MIT */
/* weir version, weir info */
#include "cli/cli.h"
#include "cli/documents.h"
#include "cli/verbs.h"
#include "scheduler/daemon/disk_room.h"
#include "scheduler/model/byte_size.h"
#include "scheduler/store/lock.h"
#include "weir_version.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>

int verb_version(Cli *cli, GError **error)
{
    (void)error;
    json_auto_t *object = json_object();
    json_object_set_new(object, "version", json_string(WEIR_VERSION));
    output_word(cli->format, WEIR_VERSION, object);
    return EXIT_SUCCESS;
}

/** "scheduler (pid 12)" of who holds the home's lock; null for nobody. */
static json_t *running(const Home *home)
{
    g_autoptr(LockHolder) holder = home != NULL ? store_lock_holder(home->lock_path, NULL) : NULL;
    if (holder == NULL)
        return json_null();
    g_autofree char *text = g_strdup_printf("%s (pid %" G_GINT64_FORMAT ")", holder->verb, holder->pid);
    return document_text(text);
}

/** "1.5G", of the fullest disk; or why nothing new is started. */
static json_t *disk_free(const Settings *settings)
{
    g_autoptr(DiskRoom) room = disk_room_new(settings->min_free_disk_bytes, NULL, NULL);
    disk_room_add(room, settings->home);
    disk_room_add(room, settings->logs_folder);
    if (!disk_room_look(room))
        return document_text(disk_room_shortage(room));
    int64_t bytes = disk_room_least_bytes(room);
    g_autofree char *text = bytes >= 0 ? byte_size_format(bytes) : NULL;
    return text != NULL ? document_text(text) : json_null();
}

int verb_info(Cli *cli, GError **error)
{
    const Settings *settings = cli_settings(cli, error);
    if (settings == NULL)
        return EXIT_FAILURE;
    g_autoptr(Home) home = home_open(settings->home, HOME_READ, NULL);
    g_autofree char *db_path = g_build_filename(settings->home, "weir.db", NULL);
    struct utsname machine;
    if (uname(&machine) != 0)
        machine = (struct utsname){0};
    g_autofree char *platform =
        g_strdup_printf("%s %s %s", machine.sysname, machine.release, machine.machine);
    json_auto_t *object = json_object();
    json_object_set_new(object, "version", json_string(WEIR_VERSION));
    json_object_set_new(object, "home", document_text(settings->home));
    json_object_set_new(object, "dags_folder", document_text(settings->dags_folder));
    json_object_set_new(object, "logs_folder", document_text(settings->logs_folder));
    json_object_set_new(object, "database", document_text(db_path));
    json_object_set_new(object, "disk_free", disk_free(settings));
    json_object_set_new(object, "running", running(home));
    json_object_set_new(object, "platform", document_text(platform));
    output_object(cli->format, object);
    return EXIT_SUCCESS;
}
