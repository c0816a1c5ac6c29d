/* SPDX-License-Identifier: MIT */
#include "scheduler/store/home.h"

#include "scheduler/store/sync.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static const struct {
    uint32_t f_type;
    FilesystemKind kind;
    const char *name;
} filesystems[] = {
    {0x6969, FILESYSTEM_NETWORK, "NFS"},         {0x517B, FILESYSTEM_NETWORK, "SMB"},
    {0xFE534D42, FILESYSTEM_NETWORK, "SMB"},     {0xFF534D42, FILESYSTEM_NETWORK, "CIFS"},
    {0x5346414F, FILESYSTEM_NETWORK, "AFS"},     {0x6B414653, FILESYSTEM_NETWORK, "AFS"},
    {0x73757245, FILESYSTEM_NETWORK, "Coda"},    {0x564C, FILESYSTEM_NETWORK, "NCP"},
    {0x00C36400, FILESYSTEM_NETWORK, "Ceph"},    {0x0BD00BD0, FILESYSTEM_NETWORK, "Lustre"},
    {0x01161970, FILESYSTEM_NETWORK, "GFS2"},    {0x7461636F, FILESYSTEM_NETWORK, "OCFS2"},
    {0x65735546, FILESYSTEM_DOUBTFUL, "FUSE"},   {0x01021997, FILESYSTEM_DOUBTFUL, "9p"},
    {0x786F4256, FILESYSTEM_DOUBTFUL, "vboxsf"},
};

FilesystemKind filesystem_kind(int64_t f_type, const char **ret_name)
{
    *ret_name = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(filesystems); i++) {
        if (filesystems[i].f_type == (uint32_t)f_type) { /* f_type is signed on some machines */
            *ret_name = filesystems[i].name;
            return filesystems[i].kind;
        }
    }
    return FILESYSTEM_LOCAL;
}

static void set_errno_error(GError **error, int code, const char *what, const char *path, const char *advice)
{
    g_set_error(error, WEIR_ERROR, code == ENOENT ? WEIR_ERROR_NOT_FOUND : WEIR_ERROR_IO, "%s %s: %s%s%s",
                what, path, g_strerror(code), advice != NULL ? ": " : "", advice != NULL ? advice : "");
}

static char *home_dir_path(const char *dir)
{
    if (dir == NULL || dir[0] == '\0')
        dir = g_getenv("WEIR_HOME");
    if (dir == NULL || dir[0] == '\0')
        return g_build_filename(g_get_home_dir(), "weir", NULL);
    return g_canonicalize_filename(dir, NULL);
}

static bool create_private_dir(const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return true;
    g_autofree char *parent = g_path_get_dirname(path);
    if (strcmp(parent, path) != 0 && !create_private_dir(parent, error))
        return false;
    if (mkdir(path, 0700) == 0) {
        if (!sync_name(path))
            g_debug("cannot sync the folder of %s: %s", path, g_strerror(errno));
        return true;
    }
    if (errno == EEXIST && g_file_test(path, G_FILE_TEST_IS_DIR)) /* somebody was faster */
        return true;
    set_errno_error(error, errno, "cannot create", path,
                    "set WEIR_HOME to a directory that you may write to");
    return false;
}

static bool check_owner(const char *dir, HomeMode mode, GError **error)
{
    struct stat st;
    if (stat(dir, &st) != 0) {
        if (errno == ENOENT)
            g_set_error(error, WEIR_ERROR, WEIR_ERROR_NOT_FOUND,
                        "there is no weir home at %s yet: start weir once, or set WEIR_HOME", dir);
        else
            set_errno_error(error, errno, "cannot look at", dir, NULL);
        return false;
    }
    if (!S_ISDIR(st.st_mode)) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "WEIR_HOME %s is not a directory", dir);
        return false;
    }
    bool root_reads = mode == HOME_READ && geteuid() == 0;
    if (st.st_uid != geteuid() && !root_reads) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "%s belongs to user %u and this is user %u: run weir as its owner, or set WEIR_HOME", dir,
                    (unsigned)st.st_uid, (unsigned)geteuid());
        return false;
    }
    if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "others may write to %s (mode %04o), and so run anything as you: chmod 700 %s", dir,
                    (unsigned)(st.st_mode & 07777), dir);
        return false;
    }
    if (mode != HOME_READ && access(dir, W_OK | X_OK) != 0) {
        set_errno_error(error, errno, "cannot write to", dir, "its database and logs live there");
        return false;
    }
    return true;
}

static bool check_filesystem(const char *dir, char **ret_warning, GError **error)
{
    struct statfs fs;
    if (statfs(dir, &fs) != 0) {
        set_errno_error(error, errno, "cannot look at the file system of", dir, NULL);
        return false;
    }
    const char *name;
    FilesystemKind kind = filesystem_kind((int64_t)fs.f_type, &name);
    if (kind == FILESYSTEM_NETWORK) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "%s is on a network file system (%s), where a database can be damaged: set WEIR_HOME to "
                    "a directory "
                    "on a local disk",
                    dir, name);
        return false;
    }
    if (kind == FILESYSTEM_DOUBTFUL)
        *ret_warning =
            g_strdup_printf("%s is on %s, whose locks and shared memory weir cannot vouch for; a local disk "
                            "is safer",
                            dir, name);
    return true;
}

Home *home_open(const char *dir, HomeMode mode, GError **error)
{
    g_autofree char *path = home_dir_path(dir);
    if (mode != HOME_READ)
        umask(077);
    if (mode == HOME_CREATE && !create_private_dir(path, error))
        return NULL;
    g_autofree char *warning = NULL;
    if (!check_owner(path, mode, error) || !check_filesystem(path, &warning, error))
        return NULL;
    g_autoptr(Home) home = g_new0(Home, 1);
    home->dir = g_steal_pointer(&path);
    home->db_path = g_build_filename(home->dir, "weir.db", NULL);
    home->lock_path = g_build_filename(home->dir, "weir.lock", NULL);
    home->socket_path = g_build_filename(home->dir, "weir.sock", NULL);
    home->config_path = g_build_filename(home->dir, "weir.yaml", NULL);
    home->dags_dir = g_build_filename(home->dir, "dags", NULL);
    home->logs_dir = g_build_filename(home->dir, "logs", NULL);
    home->warning = g_steal_pointer(&warning);
    if (mode == HOME_CREATE && !create_private_dir(home->logs_dir, error))
        return NULL;
    return g_steal_pointer(&home);
}

void home_free(Home *home)
{
    if (home == NULL)
        return;
    g_free(home->dir);
    g_free(home->db_path);
    g_free(home->lock_path);
    g_free(home->socket_path);
    g_free(home->config_path);
    g_free(home->dags_dir);
    g_free(home->logs_dir);
    g_free(home->warning);
    g_free(home);
}

char *home_attempt_log_path(const Home *home, const char *dag_id, const char *run_id, const char *task_id,
                            int32_t try_number)
{
    g_return_val_if_fail(id_is_valid(dag_id) && run_id_is_valid(run_id) && id_is_valid(task_id), NULL);
    return g_strdup_printf("%s/dag_id=%s/run_id=%s/task_id=%s/attempt=%d.log", home->logs_dir, dag_id, run_id,
                           task_id, try_number);
}
