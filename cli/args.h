/* SPDX-License-Identifier: MIT */
/**
 * The command line: which verb, its options and its arguments.
 *
 * A table of our own rather than GOptionContext: options stand in any position, before the verb too; `-1` is
 * a number where a number may stand; errors name the verb and suggest the near option; options of Airflow 2
 * get a hint.
 */
#pragma once

#include "scheduler/model/types.h"

#define CLI_ERROR (cli_error_quark())
GQuark cli_error_quark(void);
typedef enum {
    CLI_ERROR_USAGE, /**< the command line is wrong: message, short usage, exit 2 */
    CLI_ERROR_SAID,  /**< everything was said already: exit 1 without a message */
} CliError;

typedef enum {
    OPTION_FLAG,
    OPTION_SWITCH, /**< --x and --no-x */
    OPTION_VALUE,  /**< the last one counts */
    OPTION_LIST,   /**< may be repeated, all count */
} OptionKind;

typedef struct {
    const char *name; /**< long name without dashes; NULL ends a table */
    char letter;      /**< short name, or 0 */
    OptionKind kind;
    const char *value; /**< what the value is called in help: "RUN_ID"; NULL for flags */
    const char *help;
} Option;

typedef struct Cli Cli;

typedef struct {
    const char *group; /**< "dags"; NULL for verbs that stand alone (`weir run`) */
    const char *name;
    const char *arguments; /**< "DAG RUN [TASK...]": checked by args_parse(), shown in usage; "" for none */
    const char *summary;   /**< one line */
    const char *example;   /**< lines of a shell */
    const Option *options; /**< its own, besides the common ones; NULL for none */
    int (*run)(Cli *cli, GError **error); /**< the exit code; with an error set it is 1 (usage: 2) */
    const char *details;                  /**< more lines for its --help, or NULL */
    bool hidden;
    bool raw; /**< takes all words after its name as they are */
} Verb;

typedef struct {
    const Verb *verb;
    GPtrArray *words;   /**< char*: the arguments, without the verb */
    GHashTable *values; /**< option's long name -> GPtrArray of char* ("" for flags, "no-" for --no-x) */
} Args;

/** Options that every verb takes: -o, -v, -h. NULL-name-terminated. */
extern const Option common_options[];

/**
 * Reads the words after the program's name. `verbs` is the table, ended by a NULL name.
 *
 * On a wrong command line: NULL, with `ret_verb` the verb as far as it could be told, for its usage.
 * `weir`, `weir --help` and `weir dags --help` have no verb: then the result's verb is NULL and its words are
 * the group, if any.
 */
Args *args_parse(const Verb *verbs, char **words, const Verb **ret_verb, GError **error);
void args_free(Args *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Args, args_free)

bool args_flag(const Args *args, const char *name);
/** A switch: 1, 0, or -1 when it was not given. */
int args_switch(const Args *args, const char *name);
/** The last value, or NULL. */
const char *args_value(const Args *args, const char *name);
/** All values of a list, of char*; NULL when there are none. */
const GPtrArray *args_list(const Args *args, const char *name);
/** The i-th argument, or NULL. */
const char *args_word(const Args *args, guint i);
/** A whole number within [min, max]; `fallback` when the option was not given. */
bool args_integer(const Args *args, const char *name, int64_t min, int64_t max, int64_t fallback,
                  int64_t *ret, GError **error);
/** Reads a whole number, all of it. */
bool parse_integer(const char *text, int64_t min, int64_t max, int64_t *ret);
