/* SPDX-License-Identifier: MIT */
/**
 * Templates: text with `{{ ... }}` in it, rendered when an attempt of a task gets its slot.
 *
 * A small subset of Jinja's expressions with Airflow's variables: data only, no code, no loops, no
 * statements. README.md has the grammar and the tables. Life of a template: parse (once, when its file is
 * loaded), check (names, at load time too), render (any number of times, from any thread: a parsed template
 * never changes).
 *
 * Everything here is pure: no I/O, no clock; XComs, variables and connections come through callbacks. What is
 * rendered is never rendered again. No message of this module contains a value, only names from the
 * template's own text, so that a secret cannot reach a log through an error. Memory and time are bounded: 1
 * MiB of output, a nesting of 32, and a budget of bytes a render may touch.
 */
#pragma once

#include "scheduler/model/types.h"

#include <jansson.h>

/** A rendered text and each value on the way to it are at most this long, in bytes. */
#define TEMPLATE_OUTPUT_MAX (1024 * 1024)
/** Parentheses, lists, indexes and arguments nest at most this deep. */
#define TEMPLATE_NESTING_MAX 32

typedef struct Template Template;

/** Where in the template's text something is wrong, and what. Clear with template_error_clear(). */
typedef struct {
    guint line;    /**< 1-based, within the text */
    guint column;  /**< 1-based, in characters (not bytes), as editors and libyaml count */
    char *message; /**< owned; one line, with what to write instead where that is known */
} TemplateError;

void template_error_clear(TemplateError *error);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TemplateError, template_error_clear)

/** Parses `text` (UTF-8). NULL when its syntax is wrong: then `ret_error` holds the first error of the text.
 */
Template *template_parse(const char *text, TemplateError *ret_error);
void template_free(Template *template);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_free)

/** Whether the text has no expressions: its rendering does not depend on any context. */
bool template_is_literal(const Template *template);

/** The names a template may use besides the fixed ones. NULL = not known, not checked. */
typedef struct {
    const char *const *params;   /**< declared params of the DAG, NULL-terminated */
    const char *const *task_ids; /**< tasks of the DAG that xcom_pull may name, NULL-terminated */
    bool has_no_task;            /**< it is rendered for a run: nothing of `task` and `ti` but ti.xcom_pull */
} TemplateNames;

/** `error` lives as long as the call. */
typedef void (*TemplateReport)(const TemplateError *error, void *user);

/**
 * Reports every name, filter, method and number of arguments that cannot work, in the order of the text. What
 * depends on data (keys of dag_run.conf, of JSON variables, of XComs) is only known when rendering.
 */
void template_check(const Template *template, const TemplateNames *names, TemplateReport report, void *user);

/**
 * What a template is rendered from. Borrowed for the time of the call. Strings may be NULL (None), instants
 * TIME_NONE (absent: then None, but ds, ts and their kin and logical_date do not exist), `params` and `conf`
 * NULL (empty objects), callbacks NULL (nothing is found).
 */
typedef struct {
    const char *dag_id;
    const char *dag_description;
    const char *task_id;
    const char *run_id;
    const char *run_type; /**< run_type_to_string() */
    const char *owner;
    int64_t try_number;
    int64_t max_tries;
    int64_t retries;

    int64_t logical_date_us;
    int64_t data_interval_start_us;
    int64_t data_interval_end_us;
    int64_t run_after_us;
    int64_t run_start_date_us;  /**< dag_run.start_date */
    int64_t task_start_date_us; /**< ti.start_date */
    int64_t prev_data_interval_start_success_us;
    int64_t prev_data_interval_end_success_us;
    int64_t prev_start_date_success_us;
    int64_t prev_end_date_success_us;

    json_t *params; /**< object */
    json_t *conf;   /**< object: dag_run.conf */

    /* Each returns NULL with `error` unset when there is no such thing, and NULL with `error` set when
     * looking it up failed, which ends the rendering. To show a rendered text to people, render it with
     * callbacks that mask what is secret. */

    /** A new reference: the XCom `key` of `task_id` in this run. */
    json_t *(*xcom_pull)(void *user, const char *task_id, const char *key, GError **error);
    /** The variable's text, owned by the caller; var.json parses it. */
    char *(*variable_get)(void *user, const char *key, GError **error);
    /**
     * A new reference: an object with any of conn_type, host, login, password, schema, port, description and
     * extra (an object, or a string that is one in JSON).
     */
    json_t *(*connection_get)(void *user, const char *conn_id, GError **error);
    void *user;
} TemplateContext;

/** A context in which nothing is set: every instant TIME_NONE, everything else NULL or 0. */
void template_context_init(TemplateContext *context);

/**
 * The rendered text, or NULL with a WEIR_ERROR_INVALID whose message begins with `LINE:COLUMN: ` of the
 * template's text (errors of callbacks keep their domain and code).
 */
char *template_render(const Template *template, const TemplateContext *context, GError **error);
