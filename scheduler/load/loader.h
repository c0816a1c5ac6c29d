/* SPDX-License-Identifier: MIT */
/**
 * Private to the loader: the state of one load, and the tables that say which keys there are.
 *
 * Each kind of mapping (DAG, task, param, ...) has one KeyTable. A KeySpec is a key with its reader; the
 * reader knows the type, checks the value and stores it in the target. So a key, its type and its errors
 * cannot drift apart. Readers report what is wrong and go on: a load reports all errors.
 */
#pragma once

#include "scheduler/load/load.h"
#include "scheduler/load/yaml_tree.h"
#include "scheduler/template/template.h"
#include "scheduler/time/zone.h"

#define LOAD_MAX_PARAMS 1000
#define LOAD_MAX_TAGS   1000
/** What id_is_valid() asks for, in words. */
#define LOAD_ID_RULE                                                                                         \
    "an id has 1 to 200 letters, digits, \".\", \"_\" or \"-\", begins with a letter or digit, and has no "  \
    "\"..\""
/** In bigger DAGs xcom_pull's task ids are checked when rendering: here it would cost tasks times tasks. */
#define LOAD_MAX_NAMES_CHECKED 2000

typedef struct {
    const LoadOrigin *origin;
    LoadErrorList *errors, *warnings;
    YamlTree *tree;
    Dag *dag;
    Zone *zone;               /**< of the DAG: naive dates are in it */
    TemplateNames names;      /**< what templates may use; NULL = not checked */
    GPtrArray *param_names;   /**< const char*, NULL-terminated */
    GPtrArray *task_ids;      /**< const char*, NULL-terminated */
    const YamlNode *tasks;    /**< their mapping; NULL = there is none that can be read */
    const YamlNode **depends; /**< per task: the value of depends_on, or NULL */
    bool has_owner;           /**< the DAG has its own `owner` */
    uint32_t current_task;    /**< whose keys are being read */
    int64_t suggestions_left; /**< comparisons that looking for near names may still cost */
} Loader;

/** Reports at the start of a node. */
void loader_error(Loader *loader, const YamlNode *at, const char *format, ...) G_GNUC_PRINTF(3, 4);
void loader_warning(Loader *loader, const YamlNode *at, const char *format, ...) G_GNUC_PRINTF(3, 4);
/** Reports with the candidate nearest to `word`, if there is one and looking for it is not too costly. */
void loader_error_near(Loader *loader, const YamlNode *at, const char *word, const char *const *candidates,
                       const char *format, ...) G_GNUC_PRINTF(5, 6);

/** Checks the syntax and the names of a scalar's templates; errors are placed inside the scalar. */
void loader_check_template(Loader *loader, const YamlNode *scalar);

/* ---- tables of keys ---------------------------------------------------------------------------------------
 */

typedef struct KeySpec KeySpec;
/** Reads `value` into `target`; what is wrong is reported. */
typedef void (*KeyReader)(Loader *loader, const KeySpec *spec, const YamlNode *value, void *target);

typedef enum {
    KEY_NULL_OK = 1 << 0,     /**< null and nothing mean: not given */
    KEY_NOT_DEFAULT = 1 << 1, /**< not in default_args */
    KEY_BODY = 1 << 2,        /**< says what a task does: at most one */
    KEY_TEMPLATE = 1 << 3,    /**< text that is a template */
    KEY_NOT_EMPTY = 1 << 4,   /**< text that must not be empty */
    KEY_POSITIVE = 1 << 5,    /**< duration that must not be 0 */
    KEY_NULL_VALUE = 1 << 6,  /**< null is a value: the reader gets it */
} KeyFlags;

struct KeySpec {
    const char *name;
    KeyReader read;
    uint32_t offset; /**< of the field in the target, for readers of simple values */
    uint32_t flags;
    int64_t min, max; /**< of integers */
};

/** What to say to a key of Airflow or of another tool that we do not have. */
typedef struct {
    const char *name;
    const char *instead; /**< our key for it, or NULL */
    const char *message; /**< what to do, or NULL */
} KeyHint;

typedef struct {
    const char *what; /**< "the DAG", "a task": for messages */
    const KeySpec *keys;
    uint32_t n_keys;
    const KeyHint *hints;                     /**< ends with a NULL name; or NULL */
    uint32_t skip_flags;                      /**< keys with any of these are not in this table */
    const char *(*explain)(const char *name); /**< what to say to an unknown key, or NULL; may be NULL */
} KeyTable;

#define KEY_TABLE_MAX 48

/** The pairs of a mapping in the order of the table; NULL where a key is not given. */
typedef struct {
    const YamlPair *pairs[KEY_TABLE_MAX];
} KeyMatch;

/** Finds all keys of `mapping`; reports the unknown ones. `name` is the task's or param's, or NULL. */
void key_table_match(Loader *loader, const KeyTable *table, const YamlNode *mapping, const char *name,
                     KeyMatch *ret_match);
/** Reads the values that were found into `target`, in the order of the table. */
void key_table_read(Loader *loader, const KeyTable *table, const KeyMatch *match, void *target);
/** The pair of key `name`, or NULL. */
const YamlPair *key_match_get(const KeyTable *table, const KeyMatch *match, const char *name);

/* ---- values -----------------------------------------------------------------------------------------------
 */

/** Reports that `node` is not what `spec` wants, unless it was reported before. */
void value_error(Loader *loader, const KeySpec *spec, const YamlNode *node, const char *expected);
/** The text of a scalar that is not null, or NULL with a report. */
const char *value_text(Loader *loader, const KeySpec *spec, const YamlNode *node);
/** A plain true, false, yes, no, on or off. */
bool value_bool(const YamlNode *node, bool *ret);
bool value_int(Loader *loader, const KeySpec *spec, const YamlNode *node, int64_t min, int64_t max,
               int64_t *ret);

/* Readers of simple values; each stores to `offset` of the target. */
void read_text(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target); /* const char * */
void read_bool(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);
void read_int32(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);
void read_duration(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);
void read_date(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);

/** A mapping of names to scalars; the values are templates. False with a report if it is not. */
bool value_env(Loader *loader, const KeySpec *spec, const YamlNode *node, const EnvVar **ret_env,
               uint32_t *ret_n);

/** A command in either form, with its templates checked. False with a report. */
bool value_command(Loader *loader, const KeySpec *spec, const YamlNode *node, CommandLine *ret);
/** A hook of a task, or of a DAG for its tasks: `const CommandLine *` at `offset`; null is none. */
void read_hook(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);
/** A hook of a DAG's runs, in which templates have no task. */
void read_run_hook(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);

/* ---- the parts of a DAG file ------------------------------------------------------------------------------
 */

/** Reads the whole document into loader->dag, unsealed. */
void dag_read(Loader *loader, const YamlNode *root);
void read_schedule(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);
void read_timezone(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);
void read_params(Loader *loader, const KeySpec *spec, const YamlNode *node, void *target);
/** Checks that have to do with several keys at once: dates, @continuous, params of scheduled DAGs. */
void schedule_check(Loader *loader, const KeyTable *table, const KeyMatch *match);

/** Fills loader->tasks, loader->task_ids and the names of templates. `tasks` may be NULL. */
void tasks_read_ids(Loader *loader, const YamlNode *tasks);
/** After the keys of the DAG. `defaults` (default_args) may be NULL. Fills loader->depends. */
void tasks_read(Loader *loader, const YamlNode *defaults);
/** Turns all depends_on into edges; reports unknown tasks, repetitions and self-dependencies. */
void tasks_connect(Loader *loader);
/** Seals the DAG; reports a cycle. */
void tasks_seal(Loader *loader);
