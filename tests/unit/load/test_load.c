/* SPDX-License-Identifier: MIT */
/**
 * good/NAME.yaml must give the model in good/NAME.expected, broken/NAME.yaml the messages in
 * broken/NAME.expected. To write the .expected files anew after a change, and to read the difference:
 * WEIR_UPDATE_EXPECTED=1.
 */
#include "tests/unit/load/describe.h"
#include "tests/unit/load/load_test.h"

static char *file_text(const char *folder, const char *name, const char *extension, size_t *ret_n)
{
    g_autofree char *file = g_strconcat(name, extension, NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    char *text = NULL;
    gsize n = 0;
    g_file_get_contents(path, &text, &n, NULL);
    if (ret_n != NULL)
        *ret_n = n;
    return text;
}

static void compare_with_file(const char *folder, const char *name, const char *actual)
{
    if (g_getenv("WEIR_UPDATE_EXPECTED") != NULL) {
        g_autofree char *file = g_strconcat(name, ".expected", NULL);
        g_autofree char *path = g_build_filename(folder, file, NULL);
        assert_true(g_file_set_contents(path, actual, -1, NULL));
        return;
    }
    g_autofree char *expected = file_text(folder, name, ".expected", NULL);
    if (g_strcmp0(actual, expected) != 0)
        print_error("%s.yaml gives\n%s", name, actual);
    assert_non_null(expected);
    assert_string_equal(actual, expected);
}

typedef char *(*Summarize)(const LoadResult *result);

/** Loads all files of a folder; how many there were. */
static guint check_folder(const char *folder, Summarize summarize)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *file;
    guint n_files = 0;
    assert_non_null(dir);
    while ((file = g_dir_read_name(dir)) != NULL) {
        if (!g_str_has_suffix(file, ".yaml"))
            continue;
        size_t n_text;
        g_autofree char *name = g_strndup(file, strlen(file) - strlen(".yaml"));
        g_autofree char *text = file_text(folder, name, ".yaml", &n_text);
        const LoadOrigin origin = {.path = file, .folder = "/dags"};
        g_autoptr(LoadResult) result = load_dag_text(text, n_text, &origin);
        g_autofree char *actual = summarize(result);
        compare_with_file(folder, name, actual);
        n_files++;
    }
    return n_files;
}

static char *summarize_broken(const LoadResult *result)
{
    assert_null(result->dag);
    assert_true(result->errors->items->len > 0);
    return messages_of(result);
}

static char *summarize_good(const LoadResult *result)
{
    g_autofree char *messages = messages_of(result);
    if (result->dag == NULL)
        print_error("%s", messages);
    assert_non_null(result->dag);
    g_autofree char *model = describe_dag(result->dag);
    return g_strconcat(model, messages, NULL);
}

static void broken_files_say_what_is_wrong(void **state)
{
    (void)state;
    assert_true(check_folder(WEIR_TEST_DATA "/broken", summarize_broken) >= 80);
}

static void good_files_give_the_model(void **state)
{
    (void)state;
    assert_true(check_folder(WEIR_TEST_DATA "/good", summarize_good) >= 10);
}

static void origin_gives_names_and_zone(void **state)
{
    (void)state;
    static const char text[] = "start_date: 2026-07-01\ntasks: {a: {}}\n";
    const LoadOrigin origin = {
        .default_dag_id = "given", .default_timezone = "Europe/London", .folder = "/x/../y"};
    g_autoptr(LoadResult) result = load_dag_text(text, strlen(text), &origin);
    assert_non_null(result->dag);
    assert_string_equal(result->dag_id, "given");
    assert_string_equal(result->dag->folder, "/y");
    assert_null(result->dag->fileloc);
    assert_string_equal(result->dag->schedule.timezone, "Europe/London");
    assert_int_equal(result->dag->schedule.start_date_us, INT64_C(1782860400) * USEC_PER_SEC);
    assert_string_equal(result->text, text);

    g_autoptr(LoadResult) nameless = load_dag_text(text, strlen(text), NULL);
    g_autofree char *messages = messages_of(nameless);
    assert_string_equal(messages, "<text>:1:1: error: \"dag_id\" is missing\n");
}

static void hash_is_of_text_and_folder(void **state)
{
    (void)state;
    g_autofree char *a = load_content_hash("x", 1, "/a"), *again = load_content_hash("x", 1, "/a");
    g_autofree char *b = load_content_hash("x", 1, "/b"), *y = load_content_hash("y", 1, "/a");
    assert_string_equal(a, again);
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, y);
    assert_int_equal(strlen(a), 64);
}

static void broken_dags_keep_their_id(void **state)
{
    (void)state;
    g_autoptr(LoadResult) result = load_text("\n  \ndag_id: known\ntasks: {a: {retries: x}}\n");
    assert_null(result->dag);
    assert_string_equal(result->dag_id, "known");
    assert_int_equal(result->dag_id_position.line, 3);
    assert_int_equal(result->dag_id_position.column, 9);
}

static void missing_files_are_errors(void **state)
{
    (void)state;
    g_autoptr(LoadResult) missing = load_dag_file("/nonexistent/x.yaml", NULL);
    g_autofree char *messages = messages_of(missing);
    assert_string_equal(messages,
                        "/nonexistent/x.yaml: error: cannot read the file: No such file or directory\n");
    g_autoptr(LoadResult) folder = load_dag_file("/", NULL);
    g_autofree char *of_folder = messages_of(folder);
    assert_string_equal(of_folder, "/: error: cannot read the file: it is not a regular file\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_files_say_what_is_wrong), cmocka_unit_test(good_files_give_the_model),
        cmocka_unit_test(origin_gives_names_and_zone),    cmocka_unit_test(hash_is_of_text_and_folder),
        cmocka_unit_test(broken_dags_keep_their_id),      cmocka_unit_test(missing_files_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
