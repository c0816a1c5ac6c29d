/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without libFuzzer: over its corpus, then over mutations of it.
 *
 *     replay_NAME [--mutations N] [--seed S] [--save FOLDER] FILE|FOLDER...
 *
 * So every build fuzzes a little, with any compiler, and the same inputs each time: mutation i of seed S
 * depends on the corpus and on nothing else. The target runs in a child, which tells through shared memory
 * what it is trying; whatever ends it (assertion, sanitizer, endless loop), the parent has the input, saves
 * it and says how to see it again.
 */
#include <glib.h>
#include <glib/gstdio.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    INPUT_MAX = 64 * 1024, /**< a mutation is at most this long; a file of the corpus may be longer */
    STEPS_MAX = 6,         /**< changes made to an input of the corpus */
    SECONDS_PER_INPUT = 20,
};

typedef struct {
    char *name;
    GBytes *bytes;
} Input;

/** What the child is trying; shared with the parent. */
typedef struct {
    bool finished;    /**< every input was tried: what comes after is the leak check */
    guint64 mutation; /**< 0 = an input of the corpus as it is */
    guint32 input;
    guint32 size;
    uint8_t data[INPUT_MAX];
} Trying;

static GArray *corpus;
static Trying *trying;

static void input_clear(gpointer data)
{
    Input *input = data;
    g_free(input->name);
    g_bytes_unref(input->bytes);
}

/* ---- the corpus ---- */

static bool add_path(const char *path, GError **error);

static int compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/** The files of a folder by name, so that the order is the same everywhere. */
static bool add_folder(const char *path, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, error);
    if (dir == NULL)
        return false;
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++)
        if (!add_path(names->pdata[i], error))
            return false;
    return true;
}

static bool add_path(const char *path, GError **error)
{
    if (g_file_test(path, G_FILE_TEST_IS_DIR))
        return add_folder(path, error);
    char *data;
    gsize size;
    if (!g_file_get_contents(path, &data, &size, error))
        return false;
    Input input = {g_strdup(path), g_bytes_new_take(data, size)};
    g_array_append_val(corpus, input);
    return true;
}

/* ---- mutations ---- */

/** splitmix64: one state, the same numbers on every machine. */
static guint64 next_number(guint64 *state)
{
    guint64 z = *state += G_GUINT64_CONSTANT(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static guint32 below(guint64 *state, guint32 limit)
{
    return (guint32)(next_number(state) % limit);
}

static const uint8_t *random_input(guint64 *state, gsize *ret_size)
{
    const Input *input = &g_array_index(corpus, Input, below(state, corpus->len));
    return g_bytes_get_data(input->bytes, ret_size);
}

static void remove_range(GByteArray *text, guint64 *state)
{
    guint at = below(state, text->len);
    guint n = 1 + below(state, MIN(text->len - at, 16));
    g_byte_array_remove_range(text, at, n);
}

/** Puts `n` bytes at a random place. They may lie in `text` itself, so they are copied first. */
static void insert_bytes(GByteArray *text, guint64 *state, const uint8_t *bytes, guint n)
{
    g_autofree uint8_t *copy = g_memdup2(bytes, n);
    guint at = below(state, text->len + 1);
    guint tail = text->len - at;
    g_byte_array_set_size(text, text->len + n);
    memmove(text->data + at + n, text->data + at, tail);
    memcpy(text->data + at, copy, n);
}

/** Text that parsers of all kinds stumble over: mostly single characters, else a word. */
static void insert_awkward(GByteArray *text, guint64 *state)
{
    static const char marks[] = "{}[]()<>\"'`\\\n\r\t #:;-+*&|%,./~!?=@^$_0TZL";
    static const char *const words[] = {
        "{{ ", " }}", ": ", "\n- ", "-1", "99999999", "1e308", "2147483648",   "9223372036854775808",
        "..",  "PT",  "&a", "*a",   "!!", "\xc3\xa9", "\xff",  "\xed\xa0\x80", "\xf0\x9f\x98\x80"};
    guint i = below(state, sizeof marks - 1 + G_N_ELEMENTS(words));
    const char *bytes = i < sizeof marks - 1 ? &marks[i] : words[i - (sizeof marks - 1)];
    insert_bytes(text, state, (const uint8_t *)bytes, i < sizeof marks - 1 ? 1 : (guint)strlen(bytes));
}

/** A piece of this input, or of another one. */
static void insert_piece(GByteArray *text, guint64 *state, bool own)
{
    gsize size = text->len;
    const uint8_t *from = own ? text->data : random_input(state, &size);
    if (size == 0)
        return;
    guint at = below(state, (guint32)MIN(size, INPUT_MAX));
    guint n = 1 + below(state, (guint32)MIN(size - at, 64));
    insert_bytes(text, state, from + at, n);
}

static void change_once(GByteArray *text, guint64 *state)
{
    guint way = below(state, 8);
    if (text->len == 0)
        way = 5;
    switch (way) {
    case 0:
        text->data[below(state, text->len)] ^= (uint8_t)(1u << below(state, 8));
        break;
    case 1:
        text->data[below(state, text->len)] = (uint8_t)below(state, 256);
        break;
    case 2:
        text->data[below(state, text->len)] = (uint8_t)(' ' + below(state, 95));
        break;
    case 3:
        remove_range(text, state);
        break;
    case 4:
        insert_piece(text, state, true);
        break;
    case 5:
    case 6:
        insert_awkward(text, state);
        break;
    default:
        insert_piece(text, state, false);
        break;
    }
}

static void mutate(guint64 seed, guint64 mutation)
{
    guint64 state = seed * G_GUINT64_CONSTANT(0x2545f4914f6cdd1d) + mutation;
    gsize size;
    const uint8_t *data = random_input(&state, &size);
    g_autoptr(GByteArray) text = g_byte_array_new();
    g_byte_array_append(text, data, (guint)MIN(size, INPUT_MAX));
    for (guint steps = 1 + below(&state, STEPS_MAX); steps > 0; steps--)
        change_once(text, &state);
    trying->size = MIN(text->len, INPUT_MAX);
    memcpy(trying->data, text->data, trying->size);
}

/* ---- the two processes ---- */

static void try_bytes(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size on the heap: a sanitizer sees one byte too far. */
    g_autofree uint8_t *exact = g_malloc(MAX(size, 1));
    if (size > 0)
        memcpy(exact, data, size);
    alarm(SECONDS_PER_INPUT);
    LLVMFuzzerTestOneInput(exact, size);
}

static void child_main(guint64 seed, guint64 mutations)
{
    for (guint i = 0; i < corpus->len; i++) {
        gsize size;
        const uint8_t *data = g_bytes_get_data(g_array_index(corpus, Input, i).bytes, &size);
        trying->input = i;
        try_bytes(data, size);
    }
    for (guint64 i = 1; i <= mutations; i++) {
        trying->mutation = i;
        mutate(seed, i);
        try_bytes(trying->data, trying->size);
    }
    trying->finished = true;
    exit(EXIT_SUCCESS); /* not _exit: the leak check runs at exit */
}

/** Where the input that ended the child can be read; NULL when nothing could be saved. */
static char *save_input(const char *program, const char *folder, guint64 seed)
{
    g_autofree char *base = g_path_get_basename(program);
    g_autofree char *name =
        g_strdup_printf("%s-%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT, base, seed, trying->mutation);
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GError) error = NULL;
    if (g_mkdir_with_parents(folder, 0777) == 0 &&
        g_file_set_contents(path, (const char *)trying->data, trying->size, &error))
        return g_steal_pointer(&path);
    fprintf(stderr, "%s: cannot save the input: %s\n", base,
            error != NULL ? error->message : g_strerror(errno));
    return NULL;
}

static void report(const char *program, const char *folder, guint64 seed, int status)
{
    if (WIFSIGNALED(status))
        fprintf(stderr, "\n%s: %s\n", program,
                WTERMSIG(status) == SIGALRM ? "an input takes too long" : g_strsignal(WTERMSIG(status)));
    else
        fprintf(stderr, "\n%s: exit code %d\n", program, WEXITSTATUS(status));
    if (trying->finished) {
        fprintf(stderr, "after the last input: something leaks\n");
    } else if (trying->mutation == 0) {
        fprintf(stderr, "again: %s %s\n", program, g_array_index(corpus, Input, trying->input).name);
    } else {
        g_autofree char *path = save_input(program, folder, seed);
        fprintf(stderr, "at mutation %" G_GUINT64_FORMAT " of seed %" G_GUINT64_FORMAT "\n", trying->mutation,
                seed);
        if (path != NULL)
            fprintf(stderr, "again: %s %s\n", program, path);
    }
}

static int run(const char *program, const char *folder, guint64 seed, guint64 mutations)
{
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        return EXIT_FAILURE;
    }
    if (pid == 0)
        child_main(seed, mutations);
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR) {
            perror("waitpid");
            return EXIT_FAILURE;
        }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        report(program, folder, seed, status);
        return EXIT_FAILURE;
    }
    printf("%u inputs of the corpus, %" G_GUINT64_FORMAT " mutations of seed %" G_GUINT64_FORMAT "\n",
           corpus->len, mutations, seed);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    gint64 mutations = 0, seed = 1;
    g_autofree char *folder = NULL;
    g_auto(GStrv) paths = NULL;
    const GOptionEntry options[] = {
        {"mutations", 'n', 0, G_OPTION_ARG_INT64, &mutations, "inputs to make from the corpus", "N"},
        {"seed", 's', 0, G_OPTION_ARG_INT64, &seed, "of the mutations; the default is 1", "S"},
        {"save", 0, 0, G_OPTION_ARG_FILENAME, &folder, "where an input that fails is saved", "FOLDER"},
        {G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &paths, NULL, "FILE|FOLDER..."},
        {0}};
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    g_option_context_add_main_entries(context, options, NULL);
    corpus = g_array_new(FALSE, FALSE, sizeof(Input));
    g_array_set_clear_func(corpus, input_clear);
    bool fine = g_option_context_parse(context, &argc, &argv, &error);
    for (guint i = 0; fine && paths != NULL && paths[i] != NULL; i++)
        fine = add_path(paths[i], &error);
    if (!fine || corpus->len == 0) {
        fprintf(stderr, "%s: %s\n", argv[0], error != NULL ? error->message : "no inputs; see --help");
        return 2;
    }
    trying = mmap(NULL, sizeof *trying, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (trying == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }
    int code = run(argv[0], folder != NULL ? folder : ".", (guint64)seed, (guint64)MAX(mutations, 0));
    munmap(trying, sizeof *trying);
    g_array_unref(corpus);
    return code;
}
