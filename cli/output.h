/* SPDX-License-Identifier: MIT */
/**
 * What verbs print on stdout: rows of the same keys, as a table, JSON, YAML or plain text.
 *
 * A verb builds an array of JSON objects with REST's field names and says which of them are columns. json and
 * yaml print the whole objects; table and plain print the columns. Nothing else goes to stdout.
 */
#pragma once

#include "scheduler/model/types.h"

#include <jansson.h>

#include <stdio.h>

typedef enum { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_PLAIN } OutputFormat;

/** False with a CLI_ERROR_USAGE for an unknown word; NULL is table. */
bool output_format_from_string(const char *name, OutputFormat *ret, GError **error);

/**
 * The rows as text. `columns` is NULL-terminated: "key", "key=Heading" or "a.b" for a key of a key. With
 * `colours`, states are coloured. An empty list is `[]` or the headings alone.
 */
char *output_format_rows(OutputFormat format, const char *const *columns, const json_t *rows, bool colours);

/** Prints rows to stdout as output_format_rows() has them; says on stderr when there are none to see. */
void output_rows(OutputFormat format, const char *const *columns, const json_t *rows);

/**
 * One object: json and yaml as an array of one, table and plain as lines `key  value` of all its keys (table
 * with headings property_name and property_value, as Airflow's details).
 */
void output_object(OutputFormat format, const json_t *object);

/** For verbs whose table is one word (`dags state`): table and plain print just `text`. */
void output_word(OutputFormat format, const char *text, json_t *object);

/** One JSON value as YAML, in an array of objects; used by output_format_rows(). */
void yaml_append_rows(GString *out, const json_t *rows);

/** A value as a table shows it: null "", true "True", lists "a, b"; escaped. */
char *output_cell(const json_t *value);
