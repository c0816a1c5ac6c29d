/* SPDX-License-Identifier: MIT */
/**
 * The WHERE of a list: constant fragments, each with the values it binds. Private to the store.
 *
 * Only string literals and names from enum tables become SQL; what a user gave is always bound.
 */
#pragma once

#include "scheduler/store/query.h"

typedef struct {
    GString *where;
    GArray *values;
} Filter;

Filter filter_begin(void);
void filter_clear(Filter *filter);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Filter, filter_clear)

/** Adds `AND fragment` without a value. */
void filter_add(Filter *filter, const char *fragment);
/** Adds `AND fragment`, which has one `?`; nothing when `value` is NULL. */
void filter_text(Filter *filter, const char *fragment, const char *value);
void filter_int(Filter *filter, const char *fragment, int64_t value);
/** `from_fragment` and `to_fragment` have one `?` each. */
void filter_range(Filter *filter, const char *from_fragment, const char *to_fragment, TimeRange range);
/**
 * `column IN (names of the bits set)`; nothing when `bits` is 0. `names` gives NULL for the state that is
 * stored as NULL.
 */
void filter_names(Filter *filter, const char *column, unsigned bits, int n_names, const char *(*names)(int));

/** A query `select WHERE ... order LIMIT`, all values bound. `order` may be "". */
Query filter_query(const Filter *filter, StoreConn *conn, const char *select, const char *order, Page page);
/** count(*) over `from` ("FROM dag_run"). Does nothing when `ret_total` is NULL. */
bool filter_count(const Filter *filter, StoreConn *conn, const char *from, int64_t *ret_total,
                  GError **error);
