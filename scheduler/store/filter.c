/* SPDX-License-Identifier: MIT */
#include "scheduler/store/filter.h"

typedef struct {
    const char *text; /**< NULL: `number` */
    int64_t number;
} Value;

Filter filter_begin(void)
{
    return (Filter){.where = g_string_new(" WHERE 1"), .values = g_array_new(FALSE, FALSE, sizeof(Value))};
}

void filter_clear(Filter *filter)
{
    g_string_free(filter->where, TRUE);
    g_array_unref(filter->values);
}

void filter_add(Filter *filter, const char *fragment)
{
    g_string_append(filter->where, " AND ");
    g_string_append(filter->where, fragment);
}

void filter_text(Filter *filter, const char *fragment, const char *value)
{
    if (value == NULL)
        return;
    filter_add(filter, fragment);
    g_array_append_val(filter->values, (Value){.text = value});
}

void filter_int(Filter *filter, const char *fragment, int64_t value)
{
    filter_add(filter, fragment);
    g_array_append_val(filter->values, (Value){.number = value});
}

void filter_range(Filter *filter, const char *from_fragment, const char *to_fragment, TimeRange range)
{
    if (range.from_us != TIME_NONE)
        filter_int(filter, from_fragment, range.from_us);
    if (range.to_us != TIME_NONE)
        filter_int(filter, to_fragment, range.to_us);
}

void filter_names(Filter *filter, const char *column, unsigned bits, int n_names, const char *(*names)(int))
{
    if (bits == 0)
        return;
    g_autoptr(GString) list = g_string_new("");
    bool or_null = false;
    int n_listed = 0;
    for (int i = 0; i < n_names; i++) {
        const char *name = names(i);
        if ((bits & (1u << i)) == 0)
            continue;
        if (name == NULL)
            or_null = true;
        else
            g_string_append_printf(list, "%s'%s'", n_listed++ > 0 ? ", " : "", name);
    }
    GString *where = filter->where;
    /* One name is written with =, which partial indexes (WHERE state = 'failed') are matched by. */
    g_string_append_printf(where, n_listed == 1 ? " AND (%s = %s" : " AND (%s IN (%s)", column, list->str);
    g_string_append(where, or_null ? " OR " : ")");
    if (or_null)
        g_string_append_printf(where, "%s IS NULL)", column);
}

static void bind_values(const Filter *filter, Query *query)
{
    for (guint i = 0; i < filter->values->len; i++) {
        const Value *value = &g_array_index(filter->values, Value, i);
        if (value->text != NULL)
            query_bind_text(query, value->text);
        else
            query_bind_int(query, value->number);
    }
}

Query filter_query(const Filter *filter, StoreConn *conn, const char *select, const char *order, Page page)
{
    g_autofree char *sql = g_strconcat(select, filter->where->str, order, " LIMIT ? OFFSET ?", NULL);
    Query query = query_begin_once(conn, sql);
    bind_values(filter, &query);
    query_bind_int(&query, page.limit > 0 ? page.limit : -1);
    query_bind_int(&query, MAX(page.offset, 0));
    return query;
}

bool filter_count(const Filter *filter, StoreConn *conn, const char *from, int64_t *ret_total, GError **error)
{
    if (ret_total == NULL)
        return true;
    g_autofree char *sql = g_strconcat("SELECT count(*) ", from, filter->where->str, NULL);
    Query query = query_begin_once(conn, sql);
    bind_values(filter, &query);
    *ret_total = query_next(&query) ? query_int(&query) : 0;
    return query_end(&query, error);
}
