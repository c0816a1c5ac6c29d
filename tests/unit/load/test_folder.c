/* SPDX-License-Identifier: MIT */
#include "scheduler/load/folder.h"
#include "tests/unit/load/load_test.h"

#include <glib/gstdio.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/** A DAG folder of its own for each test. */
static int make_folder(void **state)
{
    *state = g_dir_make_tmp("weir-folder-XXXXXX", NULL);
    return *state == NULL;
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        bool is_folder =
            g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK);
        if (is_folder)
            remove_tree(child);
        else
            g_unlink(child);
    }
    g_rmdir(path);
}

static int remove_folder(void **state)
{
    remove_tree(*state);
    g_free(*state);
    return 0;
}

static void put(const char *folder, const char *relative, const char *text)
{
    g_autofree char *path = g_build_filename(folder, relative, NULL), *parent = g_path_get_dirname(path);
    assert_int_equal(g_mkdir_with_parents(parent, 0700), 0);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void take_away(const char *folder, const char *relative)
{
    g_autofree char *path = g_build_filename(folder, relative, NULL);
    assert_int_equal(g_unlink(path), 0);
}

/** Scans; "changed...| removed... | parsed" as text. */
static char *scan(DagFolder *folder)
{
    g_autoptr(FolderChanges) changes = dag_folder_scan(folder, NULL);
    assert_non_null(changes);
    GString *shown = g_string_new(NULL);
    for (guint i = 0; i < changes->changed->len; i++) {
        const DagFile *file = g_ptr_array_index(changes->changed, i);
        g_string_append_printf(shown, "%s=%s ", file->relative,
                               file->dag == NULL ? "broken" : file->dag->dag_id);
    }
    for (guint i = 0; i < changes->removed->len; i++)
        g_string_append_printf(shown, "-%s ",
                               ((const DagFile *)g_ptr_array_index(changes->removed, i))->relative);
    g_string_append_printf(shown, "parsed %u", changes->n_parsed);
    return g_string_free(shown, FALSE);
}

static void assert_scan(DagFolder *folder, const char *expected)
{
    g_autofree char *shown = scan(folder);
    assert_string_equal(shown, expected);
}

#define DAG "tasks: {a: {}}\n"

static void only_changes_are_parsed(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    put(path, "b.yaml", DAG);
    put(path, "a.yml", DAG);
    put(path, "sub/deep/c.yaml", DAG);
    put(path, "notes.txt", DAG);
    assert_scan(folder, "a.yml=a b.yaml=b sub/deep/c.yaml=c parsed 3");
    assert_scan(folder, "parsed 0");
    put(path, "b.yaml", "dag_id: other\n" DAG);
    assert_scan(folder, "b.yaml=other parsed 1");
    put(path, "b.yaml", "dag_id: other\ntasks: []\n");
    assert_scan(folder, "b.yaml=broken parsed 1");
    assert_ptr_equal(dag_folder_find(folder, "other"), dag_folder_find_path(folder, "b.yaml"));
    take_away(path, "a.yml");
    assert_scan(folder, "-a.yml parsed 0");
    assert_null(dag_folder_find(folder, "a"));
    assert_int_equal(dag_folder_files(folder)->len, 2);
}

static void same_size_and_time_do_not_hide_a_change(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    g_autofree char *file = g_build_filename(path, "a.yaml", NULL);
    const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    put(path, "a.yaml", "dag_id: one\n" DAG);
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
    assert_scan(folder, "a.yaml=one parsed 1");
    g_autoptr(GError) error = NULL;
    assert_true(
        g_file_set_contents_full(file, "dag_id: two\n" DAG, -1, G_FILE_SET_CONTENTS_NONE, 0600, &error));
    assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
    assert_scan(folder, "a.yaml=two parsed 1");
}

static void hidden_and_ignored_files_are_left_out(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    put(path, ".airflowignore", "# not these\ndraft_*\n/old/\nlib/**/*.yaml\n!lib/keep/*.yaml\n");
    put(path, "sub/.airflowignore", "!draft_x.yaml\nlocal.yaml\n");
    put(path, ".hidden.yaml", DAG);
    put(path, ".git/x.yaml", DAG);
    put(path, "draft_x.yaml", DAG);
    put(path, "old/x.yaml", DAG);
    put(path, "lib/a/b.yaml", DAG);
    put(path, "lib/keep/kept.yaml", DAG);
    put(path, "sub/draft_x.yaml", DAG);
    put(path, "sub/draft_y.yaml", DAG);
    put(path, "sub/local.yaml", DAG);
    put(path, "sub/old/fine.yaml", DAG);
    assert_scan(folder, "lib/keep/kept.yaml=kept sub/draft_x.yaml=draft_x sub/old/fine.yaml=fine parsed 3");
    put(path, ".airflowignore", "sub/\n");
    assert_scan(folder,
                "draft_x.yaml=draft_x lib/a/b.yaml=b old/x.yaml=x -sub/draft_x.yaml -sub/old/fine.yaml "
                "parsed 3");
}

static void the_first_file_keeps_its_dag_id(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    put(path, "m.yaml", "dag_id: x\n" DAG);
    assert_scan(folder, "m.yaml=x parsed 1");
    put(path, "a.yaml", "\ndag_id: x\n" DAG);
    assert_scan(folder, "a.yaml=broken parsed 1");
    const DagFile *second = dag_folder_find_path(folder, "a.yaml");
    g_autofree char *text = dag_file_error_text(second);
    g_autofree char *expected =
        g_strdup_printf("%s/a.yaml:2:9: error: the dag_id \"x\" belongs to m.yaml already", path);
    assert_string_equal(text, expected);
    assert_string_equal(dag_folder_find(folder, "x")->relative, "m.yaml");
    put(path, "m.yaml", "dag_id: [broken\n");
    assert_scan(folder, "m.yaml=broken parsed 1");
    assert_string_equal(dag_folder_find(folder, "x")->relative, "m.yaml");
    take_away(path, "m.yaml");
    assert_scan(folder, "a.yaml=x -m.yaml parsed 0");
    assert_string_equal(dag_folder_find(folder, "x")->relative, "a.yaml");
}

static void an_owner_of_before_keeps_its_dag_id(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    g_autofree char *m = g_build_filename(path, "m.yaml", NULL);
    g_autofree char *gone = g_build_filename(path, "gone.yaml", NULL);
    dag_folder_set_owner(folder, "x", m);
    dag_folder_set_owner(folder, "y", gone);
    dag_folder_set_owner(folder, "z", m);
    put(path, "a.yaml", "dag_id: x\n" DAG);
    put(path, "m.yaml", "dag_id: x\n" DAG);
    put(path, "b.yaml", "dag_id: y\n" DAG);
    put(path, "c.yaml", "dag_id: y\n" DAG);
    put(path, "z.yaml", "dag_id: z\n" DAG);
    assert_scan(folder, "a.yaml=broken b.yaml=y c.yaml=broken m.yaml=x z.yaml=z parsed 5");
    put(path, "gone.yaml", "dag_id: y\n" DAG); /* too late: another one has it now */
    assert_scan(folder, "gone.yaml=broken parsed 1");
    take_away(path, "m.yaml");
    assert_scan(folder, "a.yaml=x -m.yaml parsed 0");
}

static void links_are_followed_once(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    g_autofree char *loop = g_build_filename(path, "sub", "loop", NULL);
    g_autofree char *nowhere = g_build_filename(path, "nowhere.yaml", NULL);
    g_autofree char *link = g_build_filename(path, "link.yaml", NULL);
    put(path, "sub/a.yaml", DAG);
    put(path, "real.txt", "dag_id: linked\n" DAG);
    assert_int_equal(symlink(path, loop), 0);
    assert_int_equal(symlink("gone", nowhere), 0);
    assert_int_equal(symlink("real.txt", link), 0);
    assert_scan(folder, "link.yaml=linked sub/a.yaml=a parsed 2");
}

static void unreadable_folders_lose_nothing(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    g_autofree char *sub = g_build_filename(path, "sub", NULL);
    put(path, "sub/a.yaml", DAG);
    assert_scan(folder, "sub/a.yaml=a parsed 1");
    assert_int_equal(g_chmod(sub, 0), 0);
    if (access(sub, R_OK) != 0) { /* root reads everything */
        assert_scan(folder, "sub=broken parsed 0");
        assert_non_null(dag_folder_find(folder, "a"));
    }
    assert_int_equal(g_chmod(sub, 0700), 0);
    g_autofree char *after = scan(folder);
    assert_int_equal(dag_folder_files(folder)->len, 1);
}

static void a_missing_folder_is_an_error(void **state)
{
    g_autofree char *missing = g_build_filename(*state, "missing", NULL);
    g_autoptr(DagFolder) folder = dag_folder_new(missing, NULL);
    g_autoptr(GError) error = NULL;
    assert_null(dag_folder_scan(folder, &error));
    assert_true(g_str_has_suffix(error->message, "/missing: No such file or directory"));
}

static void thousands_of_files_are_fine(void **state)
{
    const char *path = *state;
    g_autoptr(DagFolder) folder = dag_folder_new(path, NULL);
    for (int i = 0; i < 2000; i++) {
        g_autofree char *relative = g_strdup_printf("d%d/f%d.yaml", i % 50, i);
        put(path, relative, DAG);
    }
    g_autoptr(FolderChanges) changes = dag_folder_scan(folder, NULL);
    assert_int_equal(changes->n_parsed, 2000);
    g_autoptr(FolderChanges) none = dag_folder_scan(folder, NULL);
    assert_int_equal(none->n_parsed + none->changed->len, 0);
    assert_string_equal(dag_folder_find(folder, "f777")->relative, "d27/f777.yaml");
}

#define FOLDER_TEST(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_TEST(only_changes_are_parsed),
        FOLDER_TEST(same_size_and_time_do_not_hide_a_change),
        FOLDER_TEST(hidden_and_ignored_files_are_left_out),
        FOLDER_TEST(the_first_file_keeps_its_dag_id),
        FOLDER_TEST(an_owner_of_before_keeps_its_dag_id),
        FOLDER_TEST(links_are_followed_once),
        FOLDER_TEST(unreadable_folders_lose_nothing),
        FOLDER_TEST(a_missing_folder_is_an_error),
        FOLDER_TEST(thousands_of_files_are_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
